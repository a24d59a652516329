/** One thing to do for a company, a batch at a time. */
export interface Task {
  readonly companyId: string
  readonly what: 'payloads' | 'waiting' | 'ledger'
  /** Of what is done by name; empty otherwise. */
  readonly eventName: string
  readonly after: number
}

/** Companies take turns, and so do the tasks of each. A task that is there already is not added again. */
export class TaskQueue {
  readonly #companies = new Map<string, Map<string, Task>>()

  get isEmpty(): boolean {
    return this.#companies.size === 0
  }

  add(task: Task): void {
    const tasks = this.#companies.get(task.companyId) ?? new Map<string, Task>()
    const key = keyOf(task)
    if (!tasks.has(key)) tasks.set(key, task)
    this.#companies.set(task.companyId, tasks)
  }

  /** Takes one out. Its company comes again when all others have had their turn. */
  take(): Task | undefined {
    for (const [companyId, tasks] of this.#companies) {
      this.#companies.delete(companyId)
      for (const [key, task] of tasks) {
        tasks.delete(key)
        if (tasks.size > 0) this.#companies.set(companyId, tasks)
        return task
      }
    }
    return undefined
  }

  clear(): void {
    this.#companies.clear()
  }
}

/** The same for the same thing, whatever was done of it. */
export function keyOf({ companyId, what, eventName }: Task): string {
  return `${companyId} ${what} ${eventName}`
}

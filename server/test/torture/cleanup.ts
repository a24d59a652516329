/** Where a resource says how it is given back: a `TestContext`, or {@link Cleanup} outside of tests. */
export interface Owner {
  after(release: () => void | Promise<void>): void
}

/** Gives back what was taken, the last one first; one that fails does not keep the others. */
export class Cleanup implements Owner {
  readonly #releases: (() => void | Promise<void>)[] = []

  after(release: () => void | Promise<void>): void {
    this.#releases.push(release)
  }

  async run(): Promise<void> {
    for (const release of this.#releases.splice(0).toReversed()) {
      try {
        await release()
      } catch (error) {
        console.error(error)
      }
    }
  }
}

/**
 * How far a replay is, by target: the position behind which it goes on, null where it is through. Each target goes its own
 * way, so one that has to wait keeps none of the others. Pure.
 */
export type ReplayProgress = ReadonlyMap<string, number | null>

/** @param cursor of the job; null at its beginning */
export function readProgress(
  cursor: string | null,
  targetIds: readonly string[],
  fromPosition: number,
): ReplayProgress {
  const reached: Readonly<Record<string, number | null>> = cursor === null ? {} : JSON.parse(cursor)
  return new Map(targetIds.map((id) => [id, id in reached ? (reached[id] ?? null) : fromPosition - 1]))
}

export function writeProgress(progress: ReplayProgress): string {
  return JSON.stringify(Object.fromEntries(progress))
}

/** Those that are not through, the one that is least far first. */
export function openTargets(progress: ReplayProgress): readonly { readonly id: string; readonly after: number }[] {
  return [...progress]
    .flatMap(([id, after]) => (after === null ? [] : { id, after }))
    .toSorted((a, b) => a.after - b.after)
}

export function advance(progress: ReplayProgress, id: string, reached: number | null): ReplayProgress {
  return new Map([...progress, [id, reached]])
}

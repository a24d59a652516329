/**
 * Milliseconds on the machine's monotonic clock. Its zero is the same in all processes of one machine, so times taken in
 * the generator and in the receiver can be subtracted; a step of the wall clock does not touch it.
 *
 * Read directly each time. `performance.now` with an offset taken once is cheaper, but the first use of `performance` loads
 * it, half a millisecond and more, in the middle of taking the offset: that process would be behind the others for good.
 */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

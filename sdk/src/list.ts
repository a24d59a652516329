export interface Page<Item> {
  readonly data: readonly Item[]
  /** Given as `cursor`, it leads to the next page; null on the last one. */
  readonly next_cursor: string | null
}

/**
 * A list of the server. Nothing is asked until it is read: all of it with `for await`, which fetches page after page, or one
 * page with `page()`. Can be read as often as wanted, from its beginning each time. `limit` is the size of its pages.
 */
export class List<Item, OnePage extends Page<Item> = Page<Item>> implements AsyncIterable<Item> {
  readonly #fetchPage: (cursor: string | undefined) => Promise<OnePage>

  constructor(fetchPage: (cursor: string | undefined) => Promise<OnePage>) {
    this.#fetchPage = fetchPage
  }

  /** The first page, or the one that the list's `cursor` leads to. */
  async page(): Promise<OnePage> {
    return await this.#fetchPage(undefined)
  }

  /** Page by page. One may be shorter than `limit`, even empty, while there are more. */
  async *pages(): AsyncGenerator<OnePage, void> {
    let page = await this.#fetchPage(undefined)
    yield page
    while (page.next_cursor !== null) {
      page = await this.#fetchPage(page.next_cursor)
      yield page
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for await (const page of this.pages()) yield* page.data
  }
}

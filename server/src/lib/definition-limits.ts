/** Of a version of a definition. */
export const EXAMPLES_MAX = 20

/** Of an event, in bytes of its JSON text; so of an example, too. */
export const PAYLOAD_BYTES_MAX = 262_144

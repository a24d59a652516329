import type { RetentionState } from '../../webhooks/retention/retention-state.ts'

/** With a list of its own, which the serializer may keep. */
export function retentionAnswer({ rules, ...state }: RetentionState) {
  return { ...state, rules: [...rules] }
}

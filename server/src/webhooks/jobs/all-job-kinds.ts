import { cancelDeliveries } from './cancel-deliveries.ts'
import { replayEvents } from '../replay/replay-events.ts'
import type { JobKind } from './job-kinds.ts'
import { recoverEvents } from './recover-events.ts'
import { retryDeliveries } from './retry-deliveries.ts'

export const allJobKinds: readonly JobKind[] = [retryDeliveries, cancelDeliveries, recoverEvents, replayEvents]

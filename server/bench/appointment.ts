/** The name of the measured event. It has a standard definition, so validation is part of the measured way. */
export const APPOINTMENT = 'appointment.created'

/** A payload of some 300 bytes that fits the definition and names three entities. Every event has its own appointment. */
export function appointmentJson(id: string): string {
  const customer = Number.parseInt(id.slice(-3), 16)
  return (
    `{"appointment_id":"apt_${id.slice(-12)}","customer_id":"cus_${customer}","branch_id":"berlin-mitte",` +
    `"service":{"name":"Cut and colour","duration_minutes":90},` +
    `"starts_at":"2026-03-12T14:30:00+01:00","ends_at":"2026-03-12T16:00:00+01:00","time_zone":"Europe/Berlin",` +
    `"status":"confirmed","channel":"website","price":{"amount":12900,"currency":"EUR"}}`
  )
}

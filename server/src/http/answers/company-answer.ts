import type { Company } from '../../contract/company.ts'
import type { Company as CompanyRow } from '../../identity/companies.ts'

export function companyAnswer(row: CompanyRow): Company {
  const { allow_undeclared_events, disable_after_failures, daily_metrics } = row.settings
  return {
    id: row.id,
    name: row.name,
    settings: { allow_undeclared_events, disable_after_failures, daily_metrics },
    created_at: row.created_at.toISOString(),
  }
}

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { testDatabase } from '../../test/support/database.ts'
import { sql, sqlValue } from '../../test/support/sql.ts'
import { until } from '../../test/support/until.ts'
import type { Pools } from '../db/pools.ts'
import { asCompany, inTransaction } from '../db/transaction.ts'
import { newId } from '../lib/ids.ts'
import { placeOfKey } from './company-keys.ts'
import { checkMasterKeys, findMasterKeyInUse, lockMasterKeyInUse } from './master-key-use.ts'
import type { MasterKeys } from './master-keys.ts'
import { MasterKeyError, toKeyring } from './master-keys.ts'
import { rotateMasterKey } from './rotate-master-key.ts'
import { UnreadableError, seal } from './sealed.ts'
import { Secret } from './secret.ts'
import { createVault } from './vault.ts'

const place = { table: 'things', column: 'sealed', rowId: '1' }
const oldKey = randomBytes(32)
const newKey = randomBytes(32)
const withKeys = (...keys: readonly Uint8Array[]): MasterKeys => ({ keys })
const companyIds = (count: number): string[] => Array.from({ length: count }, () => newId())

async function sealText({ engine }: Pools, keys: MasterKeys, companyId: string, text: string): Promise<Buffer> {
  return (await createVault(keys, engine).sealer(engine, companyId))(place, new Secret(text))
}

async function openText({ engine }: Pools, keys: MasterKeys, companyId: string, sealed: Buffer): Promise<string> {
  return (await createVault(keys, engine).opener(engine, companyId))(place, sealed).reveal()
}

test('what a company sealed opens in another process, and for no other company', async (t) => {
  const { pools } = await testDatabase(t)
  const [one = '', two = ''] = companyIds(2)
  const sealed = await sealText(pools, withKeys(oldKey), one, 'text')
  await sealText(pools, withKeys(oldKey), two, 'text')
  assert.equal(await openText(pools, withKeys(oldKey), one, sealed), 'text')
  await assert.rejects(openText(pools, withKeys(oldKey), two, sealed), UnreadableError)
})

test('sixteen that need a key of the company at once get the same one', async (t) => {
  const { pools } = await testDatabase(t)
  const [companyId = ''] = companyIds(1)
  const sealing = Array.from({ length: 16 }, async () => {
    return await asCompany(pools.api, companyId, async (db) => {
      const seal = await createVault(withKeys(oldKey), pools.engine).sealer(db, companyId)
      return seal(place, new Secret('text'))
    })
  })
  for (const sealed of await Promise.all(sealing)) {
    assert.equal(await openText(pools, withKeys(oldKey), companyId, sealed), 'text')
  }
  assert.equal(await sqlValue(pools.engine, 'select count(*) from company_keys'), 1)
})

test('a key that was given out stays, though the transaction that wanted it is undone', async (t) => {
  const { pools } = await testDatabase(t)
  const [companyId = ''] = companyIds(1)
  let sealed: Buffer = Buffer.alloc(0)
  const undone = asCompany(pools.api, companyId, async (db) => {
    const seal = await createVault(withKeys(oldKey), pools.engine).sealer(db, companyId)
    sealed = seal(place, new Secret('text'))
    throw new Error('changed my mind')
  })
  await assert.rejects(undone, /changed my mind/)
  assert.equal(await openText(pools, withKeys(oldKey), companyId, sealed), 'text')
})

test('the role of requests can read its own company key and neither make nor change one', async (t) => {
  const { pools } = await testDatabase(t)
  const [own = '', other = ''] = companyIds(2)
  for (const id of [own, other]) await sealText(pools, withKeys(oldKey), id, 'text')
  const asOwn = async <Row>(text: string) => await asCompany(pools.api, own, async (db) => await sql<Row>(db, text))
  assert.deepEqual(await asOwn('select company_id from company_keys'), [{ company_id: own }])
  const forbidden = [
    `insert into company_keys values ('${own}', 2, '\\x01')`,
    `update company_keys set sealed = '\\x01'`,
    'delete from company_keys',
    'select * from master_key_use',
  ]
  for (const text of forbidden) await assert.rejects(asOwn(text), /permission denied/)
})

test('a master key that the database was not sealed with is refused, also before anything was sealed', async (t) => {
  const { pools } = await testDatabase(t)
  await checkMasterKeys(pools.engine, toKeyring(withKeys(oldKey)))
  const mistaken = checkMasterKeys(pools.engine, toKeyring(withKeys(newKey)))
  await assert.rejects(mistaken, (error) => {
    assert.ok(error instanceof MasterKeyError)
    for (const key of [oldKey, newKey]) assert.ok(error.message.includes(toKeyring(withKeys(key)).first.id))
    return true
  })
  await checkMasterKeys(pools.engine, toKeyring(withKeys(newKey, oldKey)))
  const [companyId = ''] = companyIds(1)
  await assert.rejects(sealText(pools, withKeys(newKey), companyId, 'text'), MasterKeyError)
  assert.equal(await sqlValue(pools.engine, 'select count(*) from company_keys'), 0)
})

test('of two processes that start with different keys on an empty database one is refused', async (t) => {
  const { pools } = await testDatabase(t)
  const starts = [oldKey, newKey].map(async (key) => await checkMasterKeys(pools.engine, toKeyring(withKeys(key))))
  const ended = await Promise.allSettled(starts)
  assert.deepEqual(ended.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('until the rotation is asked for, everything goes on being sealed with the old master key', async (t) => {
  const { pools } = await testDatabase(t)
  const [first = '', second = ''] = companyIds(2)
  await sealText(pools, withKeys(oldKey), first, 'text')
  const sealed = await sealText(pools, withKeys(newKey, oldKey), second, 'text')
  assert.equal(await openText(pools, withKeys(oldKey), second, sealed), 'text')
})

test('after a rotation nothing names the old master key, whoever seals or rotates meanwhile, and all of it opens', async (t) => {
  const { pools } = await testDatabase(t)
  const ids = companyIds(450)
  const both = withKeys(newKey, oldKey)
  const texts = new Map<string, Buffer>()
  const sealNext = async (id: string): Promise<void> => void texts.set(id, await sealText(pools, both, id, id))
  await sealText(pools, withKeys(oldKey), ids[0] ?? '', 'first')
  for (const id of ids.slice(0, 400)) await sealNext(id)
  const progress: number[] = []
  const rotate = async () => await rotateMasterKey(pools.engine, toKeyring(both), (count) => progress.push(count))
  const meanwhile = (async () => {
    for (const id of ids.slice(400)) await sealNext(id)
  })()
  const [one, two] = await Promise.all([rotate(), rotate(), meanwhile])
  const last = await rotate()
  const newId = toKeyring(both).first.id
  assert.deepEqual(last, { resealed: 0, unreadable: 0, uses: new Map([[newId, 450]]) })
  assert.ok(one.resealed + two.resealed >= 400)
  assert.ok(progress.length > 0)
  assert.equal(await findMasterKeyInUse(pools.engine), newId)
  for (const [id, sealed] of texts) assert.equal(await openText(pools, withKeys(newKey), id, sealed), id)
})

test('a key that is being made when a rotation begins is sealed anew by it', async (t) => {
  const { pools } = await testDatabase(t)
  const both = toKeyring(withKeys(newKey, oldKey))
  await checkMasterKeys(pools.engine, toKeyring(withKeys(oldKey)))
  const [companyId = ''] = companyIds(1)
  let rotating: Promise<unknown> = Promise.resolve()
  await inTransaction(pools.engine, async (db) => {
    const master = await lockMasterKeyInUse(db, both)
    rotating = rotateMasterKey(pools.engine, both, () => {})
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await until('the rotation waits', async () => (await sql(pools.owner, waiting)).length > 0)
    const row = { company_id: companyId, version: 1 }
    const sealed = seal(master, placeOfKey(row), randomBytes(32))
    await sql(db, 'insert into company_keys (company_id, version, sealed) values ($1, 1, $2)', [companyId, sealed])
  })
  assert.deepEqual(await rotating, { resealed: 1, unreadable: 0, uses: new Map([[both.first.id, 1]]) })
})

test('a rotation without the old key changes nothing', async (t) => {
  const { pools } = await testDatabase(t)
  const [companyId = ''] = companyIds(1)
  const sealed = await sealText(pools, withKeys(oldKey), companyId, 'text')
  await assert.rejects(
    rotateMasterKey(pools.engine, toKeyring(withKeys(newKey)), () => {}),
    MasterKeyError,
  )
  assert.equal(await openText(pools, withKeys(oldKey), companyId, sealed), 'text')
  assert.equal(await findMasterKeyInUse(pools.engine), toKeyring(withKeys(oldKey)).first.id)
})

test('a rotation goes past a key that was changed, tells of it, and seals all others', async (t) => {
  const { pools } = await testDatabase(t)
  const both = withKeys(newKey, oldKey)
  const ids = companyIds(3)
  for (const id of ids) await sealText(pools, withKeys(oldKey), id, 'text')
  await sql(
    pools.engine,
    'update company_keys set sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30)) where company_id = $1',
    [ids[1]],
  )
  const { resealed, unreadable, uses } = await rotateMasterKey(pools.engine, toKeyring(both), () => {})
  assert.deepEqual([resealed, unreadable], [2, 1])
  assert.equal(uses.get(toKeyring(withKeys(oldKey)).first.id), 1)
})

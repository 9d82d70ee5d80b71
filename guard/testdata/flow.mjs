// All calls of the official client, one after the other. What the server does
// not have, or refuses, is so with and without a proxy.
import { AdminClient, ChromaClient } from 'chromadb'

const [address, tenant, database] = process.argv.slice(2)
const { hostname: host, port } = new URL(address)
const server = { host, port: Number(port), ssl: false }
const client = new ChromaClient({ ...server, tenant, database })
const admin = new AdminClient(server)

const refused = async (call) => {
  try {
    await call()
  } catch {
    return
  }
  throw new Error('not refused: ' + call)
}
const perhaps = async (call) => {
  try {
    await call()
  } catch {
    // this server does not have it
  }
}

await client.version()
await client.heartbeat()
await perhaps(() => client.getUserIdentity())
const other = database + '-js'
await admin.createTenant({ name: other })
await admin.getTenant({ name: other })
await refused(() => admin.createTenant({ name: other }))
await admin.createDatabase({ name: 'database', tenant: other })
await admin.getDatabase({ name: 'database', tenant: other })
await admin.listDatabases({ tenant: other })
await admin.deleteDatabase({ name: 'database', tenant: other })

const embeddingFunction = { name: 'none', generate: async (texts) => texts.map((t) => [t.length, 1, 2]) }
const docs = await client.createCollection({ name: 'flow', metadata: { about: 'flow' }, embeddingFunction })
await refused(() => client.createCollection({ name: 'flow', embeddingFunction }))
await client.getOrCreateCollection({ name: 'flow', embeddingFunction })
await client.getCollection({ name: 'flow', embeddingFunction })
await refused(() => client.getCollection({ name: 'none' }))
await client.listCollections({ limit: 10 })
await client.countCollections()

await docs.add({ ids: ['1', '2', '3'], embeddings: [[1, 2, 3], [4, 5, 6], [0.1, -7e-9, 3e5]], documents: ['one', 'zwei – ü', '3 🙂'], metadatas: [{ n: 1 }, { n: 2.5, s: 'x' }, { b: true }] })
await docs.add({ ids: ['4', '5'], documents: ['four', 'five'] })
await refused(() => docs.add({ ids: ['6'], embeddings: [[1, 2]] }))
await docs.count()
await docs.peek({ limit: 2 })
await docs.get()
await docs.get({ ids: ['1', 'none'], include: ['embeddings', 'documents', 'metadatas', 'uris'] })
await docs.get({ where: { n: { $gte: 1 } }, limit: 1, offset: 1 })
await docs.get({ whereDocument: { $contains: 'o' } })
await docs.query({ queryEmbeddings: [[1, 2, 3], [0, 0, 1]], nResults: 2 })
await docs.query({ queryTexts: ['abc'], nResults: 1, where: { s: 'x' } })
await docs.upsert({ ids: ['3', '7'], embeddings: [[1, 1, 1], [2, 2, 2]], documents: ['three', 'seven'] })
await docs.update({ ids: ['1'], metadatas: [{ n: 8, more: 'yes' }] })
await docs.update({ ids: ['2'], documents: ['two'] })
await docs.delete({ ids: ['4'] })
await docs.delete({ where: { n: 8 } })
await perhaps(() => docs.fork({ name: 'forked' }))
await docs.modify({ name: 'flowed', metadata: { about: 'else' } })
await client.deleteCollection({ name: 'flowed' })
await refused(() => client.deleteCollection({ name: 'flowed' }))
await refused(() => client.reset())

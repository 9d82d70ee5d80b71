// Gives every record of a collection a metadata key, with the official client.
//
//     autochrome guard -- node migrate.mjs COLLECTION [--fail]
import { ChromaClient } from 'chromadb'

const batch = 100

const url = new URL(process.env.CHROMADB_URL ?? 'http://localhost:8000')
const client = new ChromaClient({
  host: url.hostname,
  port: Number(url.port),
  ssl: url.protocol === 'https:',
  tenant: process.env.CHROMA_TENANT ?? 'default_tenant',
  database: process.env.CHROMA_DATABASE ?? 'default_database',
})

const [name] = process.argv.slice(2).filter((a) => a !== '--fail')
const fail = process.argv.includes('--fail')

const collection = await client.getCollection({ name })
const { ids } = await collection.get({ include: [] })
for (let first = 0; first < ids.length; first += batch) {
  if (fail && first >= ids.length / 2) {
    console.error('it fails half-way')
    process.exit(1)
  }
  const some = ids.slice(first, first + batch)
  await collection.update({ ids: some, metadatas: some.map(() => ({ language: 'en' })) })
}
console.log(`${ids.length} records of ${name}`)

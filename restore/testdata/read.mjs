// Reads collections with the official client and prints what it finds as JSON.
//
//     node read.mjs URL TENANT DATABASE COLLECTION...
import { ChromaClient } from 'chromadb'

const [address, tenant, database, ...names] = process.argv.slice(2)
const url = new URL(address)
const client = new ChromaClient({ host: url.hostname, port: Number(url.port), ssl: false, tenant, database })

const found = {}
for (const name of names) {
  const collection = await client.getCollection({ name })
  const { ids, embeddings, documents, metadatas, uris } = await collection.get({
    include: ['embeddings', 'documents', 'metadatas', 'uris'],
  })
  const near = await collection.query({ queryEmbeddings: embeddings, nResults: 1, include: ['distances'] })
  found[name] = {
    count: await collection.count(),
    metadata: collection.metadata ?? null,
    ids, embeddings, documents, metadatas, uris,
    nearest: near.ids.map((of) => of[0]),
  }
}
console.log(JSON.stringify(found))

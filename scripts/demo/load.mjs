// Loads the sample: four collections of texts with their embeddings.
import { call, sample } from './chroma.mjs';

for (const { name, records } of sample(process.argv[2])) {
  const { id } = await call('POST', '', { name, configuration: { hnsw: { space: 'cosine' } } });
  for (let i = 0; i < records.length; i += 125) {
    const batch = records.slice(i, i + 125);
    await call('POST', `/${id}/add`, {
      ids: batch.map((r) => r.id),
      embeddings: batch.map((r) => r.embedding),
      documents: batch.map((r) => r.document),
      metadatas: batch.map((r) => r.metadata),
      uris: batch.map((r) => r.uri),
    });
  }
  console.log(`  ${name.padEnd(20)} ${String(records.length).padStart(5)} records`);
}

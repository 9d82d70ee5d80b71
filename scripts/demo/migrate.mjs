// A migration that goes wrong in the ways that migrations do: a new metadata
// key on every record, a filter that deletes too much, a batch of vectors from
// the wrong model, and a collection that was "not needed any more".
import { call, collections, everything } from './chroma.mjs';

const all = await collections();
for (const [n, c] of all.entries()) {
  const records = await everything(c);
  if (n === 3) {
    await call('DELETE', `/${c.name}`);
    console.log(`  ${c.name.padEnd(20)} dropped, with ${records.length} records`);
    continue;
  }
  for (let i = 0; i < records.length; i += 125) {
    const batch = records.slice(i, i + 125);
    await call('POST', `/${c.id}/update`, {
      ids: batch.map((r) => r.id),
      metadatas: batch.map(() => ({ schema_version: 2, source: null })),
    });
  }
  const lost = records.filter((_, i) => i % 10 === 3).map((r) => r.id);
  await call('POST', `/${c.id}/delete`, { ids: lost });
  const spoiled = records.filter((_, i) => i % 10 === 7);
  await call('POST', `/${c.id}/update`, {
    ids: spoiled.map((r) => r.id),
    embeddings: spoiled.map((r) => r.embedding.map((x, i) => (i % 2 ? -x : x / 3))),
  });
  console.log(`  ${c.name.padEnd(20)} ${records.length} metadata rewritten, ${lost.length} deleted, ${spoiled.length} vectors spoiled`);
}

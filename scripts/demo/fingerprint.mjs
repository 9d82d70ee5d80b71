// Reads every record of every collection and prints a hash of each collection:
// ids, vectors, documents, metadata and uris, sorted by id.
import { createHash } from 'node:crypto';
import { collections, everything } from './chroma.mjs';

const sorted = (value) => (value && typeof value === 'object' && !Array.isArray(value)
  ? Object.fromEntries(Object.keys(value).sort().map((k) => [k, sorted(value[k])]))
  : value);

for (const c of await collections()) {
  const records = (await everything(c)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const hash = createHash('sha256');
  for (const r of records) hash.update(JSON.stringify(sorted(r)) + '\n');
  console.log(`  ${c.name.padEnd(20)} ${String(records.length).padStart(5)} records  ${hash.digest('hex').slice(0, 32)}`);
}

// A few calls of Chroma's HTTP API, as any program would make them. The demo
// uses nothing of Autochrome to load, spoil and check its data.
import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import path from 'node:path';

const base = process.env.CHROMADB_URL + '/api/v2/tenants/default_tenant/databases/' + (process.env.CHROMA_DATABASE || 'default_database') + '/collections';

export async function call(method, url, body) {
  const answer = await fetch(base + url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

export const collections = async () =>
  (await call('GET', '?limit=1000')).sort((a, b) => (a.name < b.name ? -1 : 1));

export async function everything(collection) {
  const get = (body) => call('POST', `/${collection.id}/get`, body);
  const { ids } = await get({ include: [] });
  const records = [];
  for (let i = 0; i < ids.length; i += 500) {
    const page = await get({
      ids: ids.slice(i, i + 500),
      include: ['embeddings', 'documents', 'metadatas', 'uris'],
    });
    page.ids.forEach((id, j) => records.push({
      id,
      embedding: page.embeddings[j],
      document: page.documents[j],
      metadata: page.metadatas[j],
      uri: page.uris[j],
    }));
  }
  return records;
}

export function* sample(dir) {
  for (const file of readdirSync(dir).filter((f) => f.endsWith('.jsonl.gz')).sort()) {
    const records = gunzipSync(readFileSync(path.join(dir, file))).toString().trim().split('\n')
      .map((line) => JSON.parse(line));
    yield { name: path.basename(file, '.jsonl.gz'), records };
  }
}

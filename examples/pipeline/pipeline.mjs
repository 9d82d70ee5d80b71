// Snapshot, migrate, validate, and roll back what failed.
//
//     node pipeline.mjs MIGRATE VALIDATE
//
// Both are commands of a shell; they find the snapshot's id in AUTOCHROME_BASE.
// It exits with 0, with 30 when it failed and was rolled back, with 31 when it
// failed and was not, and with autochrome's own code when there is no snapshot.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

// run gives the exit code, and what was printed where that is caught. While it
// runs, Ctrl-C is for the program; whoever is interrupted has failed.
async function run(program, args, options) {
  const child = spawn(program, args, options)
  let text = ''
  child.stdout?.on('data', (part) => { text += part })
  const [code] = await once(child, 'close')
  return { code: interrupted ? 130 : code ?? 1, text }
}

let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { interrupted = true })

const autochrome = (...words) => run('autochrome', ['--json', ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
const step = async (command) => (await run(command, [], { shell: true, stdio: 'inherit' })).code === 0

async function main(migrate, validate) {
  const made = await autochrome('snapshot', 'create', '--tag', 'made-by=pipeline')
  if (made.code !== 0) return made.code
  const base = JSON.parse(made.text).snapshot_id
  process.env.AUTOCHROME_BASE = base

  let failure = ''
  if (!await step(migrate)) failure = 'the migration failed'
  else if (!await step(validate)) failure = 'the validation says no'
  if (!failure) return 0

  interrupted = false
  console.error(`${failure}; rolling back to ${base}`)
  const back = await autochrome('rollback', base, '--yes', '--drop-extra')
  if (back.code !== 0) return 31
  console.error(`${JSON.parse(back.text).compared} records compared`)
  return 30
}

if (process.argv.length !== 4) {
  console.error('usage: node pipeline.mjs MIGRATE VALIDATE')
  process.exit(2)
}
process.exit(await main(...process.argv.slice(2)))

// Measures one app that runs on a Functions host: how long each shape takes, and how many storage requests Azurite's log shows for it.
//   node measure.mjs URL AZURITE-LOG KEY SHAPE=COUNT…     prints one line of JSON for each: { shape, count, seconds, transactions }
// SHAPE is hand/sequence or hand/fanout (the hand-written app), or the name of a workflow that measure.mjs --workflows FOLDER wrote.
import { readFileSync, statSync, writeFileSync, openSync, readSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const text = 'Polyphony '.repeat(30)

// The same work as the hand-written app's: 300 bytes in, about as much out; for the tool, a file of that size.
function workflows(folder, sizes) {
  const head = 'models: { m: { provider: offline } }\nagents: { a: { model: m, instructions: Repeat it., context: [] } }\n'
  const chain = (name, count, node) =>
    `name: ${name}\n${head}nodes:\n` +
    Array.from({ length: count }, (_, i) => `  n${i}: ${node(i)}\n`).join('') +
    `edges: [${Array.from({ length: count }, (_, i) => `n${i}`).join(' -> ')}]\noutput: done\n`
  const fan = (name, node) =>
    `name: ${name}\ninput: { type: object, required: [count], properties: { count: { type: array } } }\nlimits: { maxConcurrency: 100 }\n${head}` +
    `nodes:\n  n: { forEach: "{{ input.count }}", ${node} }\noutput: done\n`
  const write = (name, yaml) => writeFileSync(join(folder, `${name}.yaml`), yaml)
  for (const count of sizes) {
    write(`agents-${count}`, chain(`agents-${count}`, count, i => `{ agent: a, prompt: "${i === 0 ? text : `{{ nodes.n${i - 1}.output }}`}" }`))
    write(`tools-${count}`, chain(`tools-${count}`, count, () => '{ tool: read_file, arguments: { path: text.txt } }'))
  }
  write('fanout-agents', fan('fanout-agents', `agent: a, prompt: "${text}"`))
  write('fanout-agents-10', fan('fanout-agents-10', `agent: a, prompt: "${text}", itemsPerActivity: 10`))
  write('fanout-tools', fan('fanout-tools', 'tool: read_file, arguments: { path: text.txt }'))
  writeFileSync(join(folder, 'text.txt'), text)
}

if (process.argv[2] === '--workflows') {
  workflows(process.argv[3], process.argv.slice(4).map(Number))
  process.exit(0)
}

const [url, log, key, ...shapes] = process.argv.slice(2)

// Requests in the log from a place in it on.
function transactions(from) {
  const size = statSync(log).size
  const bytes = Buffer.alloc(size - from)
  const file = openSync(log)
  readSync(file, bytes, 0, bytes.length, from)
  closeSync(file)
  return (bytes.toString('latin1').match(/"(GET|HEAD|PUT|POST|PATCH|MERGE|DELETE) \//g) ?? []).length
}

async function call(path, body) {
  const answer = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-functions-key': key, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  // The emulator stands still for some seconds now and then; the host answers 500 to who asks meanwhile.
  if (answer.status === 500 && body === undefined) return undefined
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

// Asking costs a storage request each time, so it is done seldom in proportion to how long the run takes; those are taken off again.
async function until(path, isDone, seconds) {
  const begun = performance.now()
  for (let polls = 1; ; polls++) {
    if (isDone(await call(path))) return polls
    if (performance.now() - begun > seconds * 1000) throw new Error(`${path} has not ended after ${seconds} s`)
    await delay(Math.min(1000, 20 + (performance.now() - begun) / 50))
  }
}

for (const each of shapes) {
  const [shape, size] = each.split('=')
  const count = Number(size)
  const from = statSync(log).size
  const begun = performance.now()
  let polls
  if (shape.startsWith('hand/')) {
    const id = await call(`/api/start/${shape.slice(5)}/${count}`, {})
    polls = await until(`/api/status/${id}`, status => {
      if (status === 'Failed' || status === 'Terminated') throw new Error(`${each}: ${status}`)
      return status === 'Completed'
    }, 600)
  } else {
    const { id } = await call(`/api/workflows/${shape}/instances`, { input: { count: Array.from({ length: count }, (_, i) => i) } })
    polls = await until(`/api/instances/${id}`, status => {
      if (status === undefined) return false
      if (status.runtimeStatus === 'Failed' || status.runtimeStatus === 'Terminated') throw new Error(`${each}: ${JSON.stringify(status).slice(0, 2000)}`)
      return status.runtimeStatus === 'Completed'
    }, 600)
  }
  const seconds = (performance.now() - begun) / 1000
  console.log(JSON.stringify({ shape, count, seconds, transactions: transactions(from) - polls }))
}

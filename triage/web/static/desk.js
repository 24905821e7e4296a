// What the desk does beyond plain forms and links: ticking clocks, news, keys. Every page works without it.
import { initAll } from './vendor/govuk-frontend.min.js'

const page = document.body
const one = (selector, within = document) => within.querySelector(selector)
const all = (selector, within = document) => [...within.querySelectorAll(selector)]

page.classList.add('js-enabled')
if ('noModule' in HTMLScriptElement.prototype) page.classList.add('govuk-frontend-supported')
initAll()

// --- clocks tick in place, by the server's time ---------------------------------------------------------
let told // what the server last said of the time, and when that was
const hear = ({ now, rate = 1 }) => { told = { now: Date.parse(now), rate: Number(rate), at: Date.now() } }
hear(page.dataset)
const serverNow = () => told.now + (Date.now() - told.at) * told.rate
// in an exercise time passes faster, waits where much is to be done, and stands at the end
page.addEventListener('htmx:load', ({ detail }) => { if (detail.elt.dataset.now) hear(detail.elt.dataset) })
const two = number => String(number).padStart(2, '0')

function spell (seconds) {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(seconds / 3600)
  const days = Math.floor(seconds / 86400)
  if (minutes < 60) return `${minutes} min`
  if (hours < 24) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${hours} h`
  return days === 1 ? '1 day' : `${days} days`
}

function left (due) {
  const seconds = Math.trunc((due - serverNow()) / 1000)
  if (due < serverNow()) return `overdue by ${spell(Math.max(-seconds, 0))}`
  return seconds < 3600 ? `${two(Math.floor(seconds / 60))}:${two(seconds % 60)} left` : `${spell(seconds)} left`
}

function tick () {
  for (const each of all('[data-due]')) {
    const due = Date.parse(each.dataset.due)
    const said = left(due)
    if (each.textContent !== said) each.textContent = said
    const clock = each.closest('.gh-clock')
    if (clock) {
      clock.classList.toggle('gh-clock--over', due < serverNow())
      clock.classList.toggle('gh-clock--soon', due >= serverNow() && due - serverNow() < 300000)
    }
  }
  for (const each of all('[data-since]:is(time)')) {
    const seconds = Math.max(Math.trunc((serverNow() - Date.parse(each.dataset.since)) / 1000), 0)
    const said = seconds < 5 ? 'just now' : `${spell(seconds)} ago`
    if (each.textContent !== said) each.textContent = said
  }
}
if (one('[data-due], [data-since]')) setInterval(tick, 1000)

// --- news: count what came, refresh rows where they stand, never move them -------------------------------
const quiet = { headers: { 'X-Quiet': '1' }, credentials: 'same-origin' }
let asking = 0
let askedAt = 0
let heard = 0
let acted = {} // what was last said in a row: its number and the element
const busy = new Set() // rows whose answer is on its way

async function countNew () {
  const bar = one('#arrivals')
  if (!bar) return
  const asked = new URLSearchParams(location.search)
  asked.delete('page')
  asked.delete('said')
  asked.set('since', bar.dataset.since)
  const answer = await fetch(`/queue/new?${asked}`, quiet)
  if (!answer.ok) return
  const { count, views } = await answer.json()
  for (const beside of all('[data-view]')) {
    const now = views[beside.dataset.view]
    if (beside.textContent !== now) beside.textContent = now
  }
  const link = one('a', bar)
  const said = `${count} new ${count === 1 ? 'case' : 'cases'} [.]`
  if (link.textContent !== said) link.textContent = said
  bar.hidden = count === 0
}

// A row someone is about to press, or whose answer is on its way, stays as it is. What was just said in it,
// its tick and the focus outlive the change.
const held = row => busy.has(row.dataset.number) ||
  (row.contains(document.activeElement) && document.activeElement.matches('button, input'))

async function refreshRow (id) {
  const row = one(`.gh-row[data-case="${CSS.escape(id)}"]:not([data-page-case])`)
  if (!row || held(row)) return
  const { number } = row.dataset
  const answer = await fetch(`/cases/${number}/row`, { ...quiet, headers: { ...quiet.headers, 'HX-Current-URL': location.href } })
  if (answer.status === 404 || answer.status === 403) row.remove() // it is not for this person any more
  const text = await answer.text()
  if (!answer.ok || held(row) || !row.isConnected) return
  const told = one('.gh-row', new DOMParser().parseFromString(text, 'text/html'))
  if (!told) return // signed out meanwhile: the answer is the page to sign in
  const made = document.adoptNode(told)
  const had = row.contains(document.activeElement)
  one('.gh-row__tick input', made).checked = one('.gh-row__tick input', row).checked
  if (acted.number === number) one('.gh-row__what', made).append(acted.told)
  row.replaceWith(made)
  window.htmx.process(made)
  if (had) one('.gh-row__title a', made).focus({ preventScroll: true })
}

function stale (words) {
  const bar = one('#stale')
  if (!bar) return
  bar.textContent = words
  bar.hidden = !words
}

// within a second of the first news, and no oftener than every two seconds while there is much of it
function soon () {
  if (asking) return
  asking = setTimeout(() => { asking = 0; askedAt = Date.now(); countNew().catch(() => {}) }, Math.max(400, askedAt + 2000 - Date.now()))
}

function onCase (event) {
  const { case: id } = JSON.parse(event.data)
  if (id) {
    refreshRow(id)
    const shown = one('[data-page-case]')
    if (shown && shown.dataset.case === id && serverNow() - heard > 1500) {
      stale('This case has changed since the page was made. Reload to see it.')
    }
  }
  soon()
}

// Since when this page hears nothing. A page that was deaf looks at its rows again; another says what to do.
let deafSince = 0
let silence = 0
let deafBy = '' // 'stream' says by itself when it hears again; 'answer' is over with the next answer
const atTime = moment => new Date(moment).toLocaleTimeString('en-GB', { timeZone: 'Europe/London', hour: '2-digit', minute: '2-digit' })

function deaf (by, words, since) {
  deafSince ||= Date.parse(since) || serverNow()
  deafBy ||= by
  stale(words.replace('@', atTime(deafSince)))
}

// `missed` when the server cannot tell what happened meanwhile
function hears (missed) {
  clearTimeout(silence)
  silence = 0
  soon()
  const since = deafSince || serverNow()
  deafSince = 0
  deafBy = ''
  stale(missed && one('[data-page-case]')
    ? `Live updates were away from ${atTime(since)} to ${atTime(serverNow())}. Reload to see what changed meanwhile.`
    : '')
  if (!missed) return
  for (const row of rows()) refreshRow(row.dataset.case).catch(() => {})
  if (one('#banners')) window.htmx.trigger('#banners', 'look')
}

function listen () {
  const news = new EventSource(`/live?after=${encodeURIComponent(page.dataset.heard)}`)
  news.addEventListener('case', onCase)
  news.addEventListener('resync', () => hears(true))
  news.addEventListener('hello', () => hears(false))
  news.addEventListener('stale', event => {
    deaf('stream', 'Live updates have stopped at @: what happened since is not on this page. It tries again by itself; ' +
      'reload to look now.', JSON.parse(event.data).since)
  })
  // it comes back by itself within seconds, as after its ten minutes: only a longer silence is worth a word
  news.onerror = () => {
    deafSince ||= serverNow()
    silence ||= setTimeout(() => deaf('stream', 'No connection to the desk since @: what happened since is not on this ' +
      'page, and nothing you press arrives. It tries again by itself.'), 3500)
  }
  addEventListener('pagehide', () => news.close())
}
if ('signedIn' in page.dataset && window.EventSource) listen()

// --- rows: which one is current, and what was just done to it ---------------------------------------------
const rows = () => all('.gh-queue > .gh-row')
let chosen = '' // the row that had the focus last: a row that was put anew is still the one meant
const current = () => document.activeElement?.closest('.gh-row') ||
  (document.activeElement === page && chosen ? one(`#case-${CSS.escape(chosen)}`) : null)
document.addEventListener('focusin', event => {
  chosen = event.target.closest('.gh-row')?.dataset.number || ''
  if (event.target.closest('.gh-views, .gh-nav')) event.target.scrollIntoView({ block: 'nearest', inline: 'nearest' }) // browsers leave half of it outside
})
const aloud = words => { const box = one('#aloud'); if (box) box.textContent = words }
let last = null

function move (step) {
  const known = rows()
  if (!known.length) return
  const at = known.indexOf(current())
  const next = at < 0 ? (step > 0 ? 0 : known.length - 1) : Math.min(Math.max(at + step, 0), known.length - 1)
  one('.gh-row__title a', known[next]).focus()
  known[next].scrollIntoView({ block: 'nearest' })
}

function press (key, within) {
  const found = one(`[data-key="${CSS.escape(key)}"]`, within)
  if (!found) return false
  found.click()
  return true
}

// a piece that is on its way: said at once, where it will stand, and nothing moves
const sheetWaits = { timer: 0, words: 'Loading the reasons …' }

document.addEventListener('htmx:beforeRequest', event => {
  const { elt, target, requestConfig } = event.detail
  target.setAttribute('aria-busy', 'true')
  if (target.id === 'sheet-body') {
    target.textContent = sheetWaits.words
    sheetWaits.timer = setTimeout(() => { if (!one('#sheet').open) one('#sheet').showModal() }, 400)
  }
  const row = elt.closest('.gh-row') || target.closest('.gh-row')
  if (!row) return
  busy.add(row.dataset.number)
  if (requestConfig.verb !== 'post') return
  heard = serverNow()
  last = { number: row.dataset.number, focused: row.contains(document.activeElement) || Boolean(one('#sheet')?.open) }
})

document.addEventListener('htmx:afterSwap', event => {
  if (event.detail.target.id === 'sheet-body') {
    const sheet = one('#sheet')
    if (!sheet.open) sheet.showModal()
    one('button, input[type=radio]', sheet)?.focus()
  }
})

document.addEventListener('htmx:afterSettle', () => {
  if (!last) return
  const row = one(`#case-${CSS.escape(last.number)}`)
  const told = row && one('.gh-row__told', row)
  if (told) aloud(`GH-${last.number}: ${one('span', told).textContent}`)
  if (told && one('#sheet')?.open) one('#sheet').close()
  if (row && last.focused && !row.contains(document.activeElement)) one('.gh-row__title a', row).focus({ preventScroll: true })
  if (told) acted = { number: last.number, told }
  last = null
})
document.addEventListener('htmx:afterRequest', event => {
  const { elt, target } = event.detail
  target.removeAttribute('aria-busy')
  if (target.id === 'sheet-body') clearTimeout(sheetWaits.timer)
  if (target.id === 'banners' && event.detail.successful && deafBy === 'answer') hears(true)
  const row = elt.closest('.gh-row') || target.closest('.gh-row')
  if (row) busy.delete(row.dataset.number)
})

// an answer that is none: said where the person looks, and read aloud
function failed (event, words) {
  const { elt, target } = event.detail
  last = null
  if (target.id === 'banners') return
  aloud(words)
  if (target.id === 'sheet-body') { target.textContent = words; one('#sheet').close() }
  const row = elt.closest('.gh-row') || target.closest('.gh-row')
  const what = elt.closest('#sheet-body form') || (row && one('.gh-row__what', row))
  if (!what) return
  one('.gh-row__told', what)?.remove()
  const told = document.createElement('p')
  told.className = 'gh-row__told gh-row__told--wrong'
  told.textContent = words
  what.append(told)
}
document.addEventListener('htmx:responseError', event => {
  const { status } = event.detail.xhr
  if (status === 401) location.assign('/sign-in?next=' + encodeURIComponent(location.pathname + location.search))
  else if (status === 503) {
    deaf('answer', 'The desk cannot reach its database since @: what happened since is not on this page.')
    failed(event, 'Nothing was changed: the database does not answer. Try again in a moment.')
  } else failed(event, status === 403 ? 'Nothing was changed: your roles do not allow it.' : 'That did not work, nothing was changed. Reload the page and try again.')
})
document.addEventListener('htmx:sendError', event => failed(event, 'No connection: nothing was changed. Try again in a moment.'))

// pages that show one thing at a time name their own keys
const pressHere = key => { const here = one('[data-keys]'); return Boolean(here) && key.length === 1 && press(key, here) }

function undo () {
  const row = current() || (acted.number && one(`#case-${CSS.escape(acted.number)}`))
  return Boolean(row) && press('u', row) || press('u', document)
}

// --- keys -------------------------------------------------------------------------------------------------
const places = { q: '/queue', a: '/alerts', s: '/sources' }
let going = 0

function onKey (event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  const typing = event.target.closest('textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio])')
  if (typing || one('dialog[open]')) return
  const key = event.key
  if (going && Date.now() - going < 1500 && places[key]) { location.assign(places[key]); return }
  going = key === 'g' ? Date.now() : 0
  const row = current() || one('[data-page-case]')
  const acts = {
    j: () => (move(1), true),
    k: () => (move(-1), true),
    x: () => { const box = row && one('.gh-row__tick input', row); box?.click(); return Boolean(box) },
    X: () => { const boxes = all('.gh-row__tick input'); const on = boxes.some(each => !each.checked); boxes.filter(each => each.checked !== on).forEach(each => each.click()); return boxes.length > 0 },
    u: undo,
    '/': () => { one('#search')?.focus(); one('#search')?.select(); return true },
    '.': () => { const bar = one('#arrivals'); if (bar && !bar.hidden) one('a', bar).click(); return true },
    '?': () => { one('#keys')?.showModal(); return true }
  }
  const done = acts[key] ? acts[key]() : ('caonw'.includes(key) && row && press(key, row)) || pressHere(key)
  if (done) event.preventDefault()
}
if ('signedIn' in page.dataset) document.addEventListener('keydown', onKey)

// --- small things that need a script -----------------------------------------------------------------------
document.addEventListener('click', async event => {
  const target = event.target.closest('[data-copies], [data-opens], [data-closes], [data-back]')
  if (!target) return
  const { copies, opens, closes } = target.dataset
  if (copies) {
    const source = one(`#${CSS.escape(copies)}`)
    source.select()
    try { await navigator.clipboard.writeText(source.value) } catch { document.execCommand('copy') }
    target.textContent = 'Copied'
    aloud('Copied')
    setTimeout(() => { target.textContent = 'Copy' }, 2000)
  }
  if (opens) one(`#${CSS.escape(opens)}`)?.showModal()
  const open = closes && one(`#${CSS.escape(closes)}`)
  if (open?.open) { event.preventDefault(); open.close() }
  if ('back' in target.dataset && document.referrer.startsWith(`${location.origin}/queue`)) { event.preventDefault(); history.back() }
})
// what is copied is evidence: it is entered first, and copied only then
document.addEventListener('submit', async event => {
  const form = event.target.closest('[data-copy]')
  if (!form) return
  event.preventDefault()
  const button = one('button', form)
  try {
    const entered = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
    if (!entered.ok) throw new Error(String(entered.status))
    await navigator.clipboard.writeText(form.dataset.copy)
    aloud('Copied')
    button.classList.add('gh-quiet--done')
  } catch { aloud('That did not work. Reload the page and try again.') }
})
document.addEventListener('change', () => {
  const bulk = one('#bulk')
  if (!bulk) return
  const ticked = all('.gh-row__tick input:checked').length
  bulk.classList.toggle('gh-bulk--on', ticked > 0)
  one('#bulk-n').textContent = `With the ${ticked} ticked:`
})
all('[data-copies], [data-opens], [data-copy]').forEach(each => { each.hidden = false })
all('.gh-nav [aria-current], .gh-views [aria-current]').forEach(each => each.scrollIntoView({ block: 'nearest', inline: 'nearest' }))
if (matchMedia('(min-width: 75rem)').matches) all('[data-wide-open]').forEach(each => { each.open = true })

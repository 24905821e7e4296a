// A line that somebody is writing: what was typed and not kept is back when the page is, in this browser, until sign-out.
const form = document.querySelector('#writing')

const fields = () => [...form.querySelectorAll('.gh-typed textarea, .gh-typed input')]

function restore (kept) {
  const typed = JSON.parse(kept)
  const changed = fields().filter(each => each.name in typed && typed[each.name] !== each.value)
  for (const each of changed) {
    each.value = typed[each.name]
    each.dispatchEvent(new Event('input', { bubbles: true }))
    const folded = each.closest('details')
    if (folded) folded.open = true
  }
  form.querySelector('#unkept').hidden = changed.length === 0
}

if (form) {
  const name = form.dataset.kept
  const kept = sessionStorage.getItem(name)
  if (kept) window.addEventListener('load', () => restore(kept)) // the checker listens by then
  form.addEventListener('input', () => {
    sessionStorage.setItem(name, JSON.stringify(Object.fromEntries(fields().map(each => [each.name, each.value]))))
  })
  form.addEventListener('submit', event => {
    if (!event.submitter?.formAction.endsWith('/check')) sessionStorage.removeItem(name)
  })
  form.querySelector('[data-forget]').addEventListener('click', () => { sessionStorage.removeItem(name); location.reload() })
}

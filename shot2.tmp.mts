import { startBrowser } from './__test__/support/viewer/browser.ts';
async function main() {
const [base, out, dark, ...tabs] = process.argv.slice(2);
const b = await startBrowser();
const c = await b.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: dark === 'dark' ? 'dark' : 'light', locale: 'en-GB' });
const p = await c.newPage();
p.on('console', (m) => console.log('console', m.type(), m.text()));
p.on('pageerror', (e) => console.log('error', e));
for (const tab of tabs) {
  await p.goto('about:blank');
  await p.goto(`${base}${tab}`);
  await p.waitForSelector('.tabs', { timeout: 5000 }).catch(async () => console.log(await p.locator('body').innerText()));
  await p.waitForTimeout(700);
  await p.screenshot({ path: `${out}-${tab.replace(/[^\w]+/g, '_').slice(-40)}.png` });
}
await b.close();
}
main();

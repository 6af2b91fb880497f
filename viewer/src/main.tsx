import './style/page.css';
import { render } from 'preact';
import { App } from './app.js';
import { openReport } from './report/open.js';
import { startListening } from './state/live.js';
import { report } from './state/report.js';
import { loadServices } from './state/services.js';

const place = document.getElementById('page') as HTMLElement;
const damage = await openReport().then(
  () => undefined,
  (error: unknown) => String(error),
);
if (damage === undefined) {
  loadServices();
  if (!report.value) startListening();
  render(<App />, place);
} else place.textContent = `This report cannot be shown: the file is damaged (${damage}). Ask for it again.`;

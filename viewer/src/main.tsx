import './style/page.css';
import { render } from 'preact';
import { App } from './app.js';
import { startListening } from './state/live.js';
import { loadServices } from './state/services.js';

loadServices();
startListening();
render(<App />, document.getElementById('page') as HTMLElement);

'use strict';
const { during, requests } = require('./steady.js');

let number = 0;
function handleOrder() {
  console.log('order %d taken from %s with %j', ++number, 'shop', { items: 3, total: 12.5 });
}

requests(() => during(8, handleOrder));

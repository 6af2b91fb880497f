import {
  CHARACTER,
  INDENT,
  LEAST_CHARACTERS,
  LEAST_WIDTH,
  MARGIN,
  RESET_RIGHT,
  SEARCH_RIGHT,
  USABLE,
} from './flame-geometry';
import { shorten } from './format';

/**
 * The script inside a flame graph: boxes over the whole width of the window, zoom to a box, search by pattern, details
 * of the box under the pointer.
 */
export const FLAME_SCRIPT = `
(function () {
  'use strict';
  var MARGIN = ${MARGIN}, usable = ${USABLE};
  var shown = { from: 0, whole: 1 };
  var shorten = ${shorten.toString()};
  var boxes = Array.prototype.slice.call(document.querySelectorAll('.box'));
  var picture = document.documentElement;
  var header = document.getElementById('header');
  var details = document.getElementById('details');
  var reset = document.getElementById('reset');
  var search = document.getElementById('search');

  function left(box) { return Number(box.getAttribute('data-left')); }
  function share(box) { return Number(box.getAttribute('data-share')); }

  // The title is the name, the place where one is known, and the value, each in lines of its own.
  function place(box) {
    var title = box.querySelector('title').textContent;
    return title.slice(box.getAttribute('data-name').length + 1, title.lastIndexOf('\\n'));
  }

  function label(box, width) {
    var room = Math.floor((width - ${2 * INDENT}) / ${CHARACTER});
    return room < ${LEAST_CHARACTERS} ? '' : shorten(box.getAttribute('data-name'), room, 0);
  }

  // One pixel of the picture is one of the window, so that text is as large in every graph.
  function fit() {
    picture.setAttribute('width', '100%');
    var width = Math.max(${LEAST_WIDTH}, Math.floor(picture.getBoundingClientRect().width));
    picture.setAttribute('width', width);
    picture.setAttribute('viewBox', '0 0 ' + width + ' ' + picture.getAttribute('height'));
    reset.setAttribute('x', width - ${RESET_RIGHT});
    search.setAttribute('x', width - ${SEARCH_RIGHT});
    usable = width - 2 * MARGIN;
    zoom(shown.from, shown.whole);
  }

  // The header stays in sight above a graph that is taller than the window.
  function follow() {
    header.setAttribute('transform', 'translate(0 ' + Math.max(0, window.scrollY) + ')');
  }

  function zoom(from, whole) {
    var slack = 1e-6;
    shown = { from: from, whole: whole };
    boxes.forEach(function (box) {
      var start = left(box), size = share(box);
      var outside = start >= from + whole - slack || start + size <= from + slack;
      box.setAttribute('visibility', outside ? 'hidden' : 'visible');
      if (outside) return;
      var wider = size > whole + slack;
      box.classList.toggle('faded', wider);
      var x = wider ? MARGIN : MARGIN + (start - from) / whole * usable;
      var width = wider ? usable : size / whole * usable;
      var rect = box.querySelector('rect'), text = box.querySelector('text');
      rect.setAttribute('x', x);
      rect.setAttribute('width', Math.max(0.2, width));
      text.setAttribute('x', x + ${INDENT});
      text.textContent = label(box, width);
    });
    reset.setAttribute('visibility', whole < 1 - slack ? 'visible' : 'hidden');
  }

  function find() {
    var wish = window.prompt('Search for functions, files and packages (regular expression); empty clears', '');
    if (wish === null) return;
    var pattern = null;
    try {
      pattern = wish === '' ? null : new RegExp(wish, 'i');
    } catch (error) {
      details.textContent = error.message;
      return;
    }
    var found = [];
    boxes.forEach(function (box) {
      var hit = pattern !== null && (pattern.test(box.getAttribute('data-name')) || pattern.test(place(box)));
      box.classList.toggle('found', hit);
      if (hit) found.push(box);
    });
    details.textContent = pattern === null ? ' ' : covered(found) + ' % of the whole matches ' + wish;
  }

  // A match inside another match is time that was counted already.
  function covered(found) {
    var end = 0, sum = 0;
    found.sort(function (a, b) { return left(a) - left(b) || share(b) - share(a); });
    found.forEach(function (box) {
      if (left(box) < end - 1e-9) return;
      sum += share(box);
      end = left(box) + share(box);
    });
    return (100 * sum).toFixed(1);
  }

  boxes.forEach(function (box) {
    box.addEventListener('click', function () { zoom(left(box), share(box)); });
    box.addEventListener('mouseenter', function () {
      details.textContent = box.querySelector('title').textContent.replace(/\\n/g, '   ');
    });
  });
  // Inside a page of somebody else's the graph has the size that it was given there.
  if (picture.localName === 'svg') {
    fit();
    window.addEventListener('resize', fit);
    window.addEventListener('scroll', follow);
  }
  reset.addEventListener('click', function () { zoom(0, 1); });
  search.addEventListener('click', find);
  document.addEventListener('keydown', function (event) {
    if (event.key === 'Escape') zoom(0, 1);
    if ((event.ctrlKey || event.metaKey) && event.key === 'f') { event.preventDefault(); find(); }
  });
})();
`;

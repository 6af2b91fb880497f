// Another program that wants a CPU all the time, until it is killed or left alone.
process.on('disconnect', () => process.exit());
function burn() {
  for (const end = performance.now() + 50; performance.now() < end; );
  setImmediate(burn);
}
burn();

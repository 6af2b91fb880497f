/** What was found, and one sentence, with its remedy, for each thing that could not be used. */
export interface Result<Value> {
  value: Value;
  warnings: string[];
}

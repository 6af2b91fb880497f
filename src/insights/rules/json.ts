import { isLogging } from '../frames';
import { shareRule } from '../share-rule';

const JSON_OF_V8 =
  /^v8::(internal::(Builtin_Json(Parse|Stringify|RawJson)|JsonStringify\b|JsonParser<|JsonStringifier\b|FastJsonStringifier<|JsonParseInternalizer\b)|JSON::(Parse|Stringify)\b)/;

export const json = shareRule({
  id: 'json',
  title: 'JSON takes much of the main thread',
  subject: 'JSON',
  rule: 'JSON.parse and JSON.stringify, with what they call, take a fifth or more of the CPU time of the main thread; in logs they do not count here. A service that answers with small objects was at 0.4 to 2.3 %, so from a fifth on it is the size of the texts, or how often they are made.',
  remedy:
    'Send and keep less: choose fields, split into pages, do not parse what is only passed on. Serialise what is the same for everybody once.',
  bound: 0.2,
  needsNative: true,
  what: 'in JSON.parse and JSON.stringify',
  where: { is: ({ called }) => JSON_OF_V8.test(called), notBelow: isLogging },
});

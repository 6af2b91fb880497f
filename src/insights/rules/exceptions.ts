import { isLoading, isLogging, isOf } from '../frames';
import { shareRule } from '../share-rule';

const ERRORS_OF_V8 =
  /^v8::internal::(Builtin_\w*Error(Constructor|CaptureStackTrace)\b|ErrorUtils::|Accessors::ErrorStack|Isolate::(CaptureAndSetErrorStack|Throw|ThrowInternal|ReThrow|UnwindAndFindHandler)\b|Runtime_(Throw|ReThrow|NewTypeError|NewError)\w*$)/;

export const exceptions = shareRule({
  id: 'exceptions',
  title: 'Storm of exceptions',
  subject: 'exceptions',
  rule: 'Making errors, throwing them and writing out their stacks takes a twentieth or more of the CPU time of the main thread. An error costs some microseconds, so this is thousands a second; a service in which only failures throw is at 0 %.',
  remedy:
    'Return a value where failing is usual, and check before the call that throws. Errors that must be made cost less with a small Error.stackTraceLimit, and with nobody reading their stack.',
  bound: 0.05,
  needsNative: true,
  what: 'in making and throwing errors',
  where: {
    is: (frame) =>
      ERRORS_OF_V8.test(frame.called) ||
      (isOf(frame, 'node:internal/errors') && /prepareStackTrace/i.test(frame.called)),
    notBelow: (frame) => isLoading(frame) || isLogging(frame),
  },
});

import type { Profiles } from '../api/answers.js';
import { ApiError, type Source } from '../api/client.js';
import type { Contents } from './contents.js';
import { encodeTree } from './encode.js';
import { momentsOf } from './moments.js';
import { testOf } from './pick.js';
import { labelsOf, linesOf, tableOf } from './tables.js';
import { differenceOf, sandwichOf, treeOf } from './trees.js';

/** Answers the collector's questions from what a report holds. */
export class ReportAnswers implements Source {
  /** @param moments the bytes of its timeline, where it has one */
  constructor(
    private readonly contents: Contents,
    private readonly moments: ArrayBuffer | undefined,
  ) {}

  async json(path: string): Promise<unknown> {
    const { contents } = this;
    const [name, question] = takenApart(path);
    switch (name) {
      case 'services':
        return { services: [contents.service] };
      case 'labels':
        return labelsOf(contents, question);
      case 'table':
        return tableOf(contents, question);
      case 'lines':
        return linesOf(contents, question);
      case 'series':
        return this.series(question);
      case 'profiles':
        return this.profiles(question);
      default:
        throw notHeld(name);
    }
  }

  async bytes(path: string): Promise<ArrayBuffer> {
    const { contents, moments } = this;
    const [name, question] = takenApart(path);
    switch (name) {
      case 'tree':
        return encodeTree(treeOf(contents, question));
      case 'diff':
        return encodeTree(differenceOf(contents, question));
      case 'sandwich': {
        const [callers, callees] = sandwichOf(contents, question);
        return new Blob([encodeTree(callers), encodeTree(callees)]).arrayBuffer();
      }
      case 'timeline':
        if (moments === undefined) throw notHeld(name);
        return momentsOf(contents, moments, question.getAll('where'));
      default:
        throw notHeld(name);
    }
  }

  private series(question: URLSearchParams): unknown {
    const { service, series } = this.contents;
    const index = service.types.findIndex(({ name }) => name === question.get('type'));
    if (index < 0 || question.has('by') || question.has('where')) throw notHeld('series');
    return series[index];
  }

  /** Conditions are for tags. */
  private profiles(question: URLSearchParams): Profiles {
    const { profiles, more } = this.contents.profiles;
    const holds = testOf(question.getAll('where'));
    return {
      profiles: profiles.filter(({ tags }) => holds((key) => new Map(Object.entries(tags)).get(key) ?? '')),
      more,
    };
  }
}

function takenApart(path: string): [name: string, question: URLSearchParams] {
  const mark = path.indexOf('?');
  return mark < 0
    ? [path, new URLSearchParams()]
    : [path.slice(0, mark), new URLSearchParams(path.slice(mark + 1))];
}

function notHeld(name: string): ApiError {
  return new ApiError(
    `This report does not hold what ${name} asks for. The collector that made it may know.`,
    404,
  );
}

import type { Upload } from './upload';
export async function splitUpload(upload: Upload, pieces: number): Promise<Upload[]> {
  return pieces === 1 ? [upload] : [upload];
}

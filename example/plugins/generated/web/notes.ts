// Types of the package notes. Generated, do not edit.

export type NoteID = string;

export interface Note {
  id: NoteID;
  /** What the list of notes shows. */
  "title": string;
  "state": "open" | "done";
  "tags"?: Array<string>;
  "place"?: {
    "city": string;
    "position": Record<string, number>;
  };
  /** Whose it is. */
  "tenant": string;
  createdAt: string;
  updatedAt: string;
}

export type PersonID = string;

export interface Person {
  id: PersonID;
  "email": string;
  "born"?: string;
  /** Whose it is. */
  "tenant": string;
}

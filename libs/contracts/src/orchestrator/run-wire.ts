/** Formats of UIs in which a run's events can be told, besides our own. */
export const wireFormats = ['ai-sdk', 'ag-ui'] as const;
export type WireFormat = (typeof wireFormats)[number];

export const isWireFormat = (value: unknown): value is WireFormat => wireFormats.some((format) => format === value);

/** The media type that asks for a format, in `Accept`. */
export const wireMediaType = (format: WireFormat): string => `text/event-stream;format=${format}`;

/** How a route uses the formats. */
export interface WireUse {
  /** The field of its input that the user's message in a format's own request body stands for. */
  question?: string;
  /** The field that the files of such a body become; they are refused if absent. `question` itself may be content parts then. */
  files?: string;
  /** What was said before is known: such a body may repeat it. */
  remembers?: boolean;
}

/** What an answer in a format is, for the API document. */
export const wireTexts: Record<WireFormat, { description: string; example: string }> = {
  'ai-sdk': {
    description:
      "The AI SDK's UI message stream, as `useChat` of `ai` 7 reads it, with the header `x-vercel-ai-ui-message-stream: v1`; `data: [DONE]` ends it.",
    example: 'id: 2\ndata: {"type":"text-delta","id":"text-1","delta":"The invoice"}\n\n',
  },
  'ag-ui': {
    description: 'Events of AG-UI 1.0, as `HttpAgent` of `@ag-ui/client` reads them.',
    example: 'id: 2\ndata: {"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"The invoice"}\n\n',
  },
};

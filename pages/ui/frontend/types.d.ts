// What the server sends to the bar of lecture mode (pages/ui/lecture.py).

export interface BarData {
  lecture: boolean;
  /** URL path of the page in view, and all pages. */
  page: string; pages: { path: string; title: string }[];
  steps: { title: string; current: string; params: Record<string, string>; labels: { id: string; label: string }[] } | null;
  notice: string;
  /** QR code of a link: of which it was asked for, the link itself, rows of modules, and why a phone cannot open it. */
  code: { of: string; link: string; rows: string[]; problem: string } | null;
}

export interface Component {
  parentElement: HTMLElement | ShadowRoot; data: BarData; setTriggerValue: (name: string, value: unknown) => void;
}

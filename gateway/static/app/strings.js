// Every text of the page, in English.
import { counted } from "./format.js";

/** @type {Record<string, string>} */
const STATUS = {
  uploaded: "waiting",
  processing: "in preparation",
  completed: "completed",
  proposed: "proposal",
  failed: "failed",
  cancelled: "cancelled",
};
/** @type {Record<string, string>} */
const STAGES = {
  queued: "Waiting for a worker",
  loading: "Reading the table",
  profiling: "Looking at every column",
  consulting: "Asking the language model",
  applying: "Cleaning",
  charting: "Drawing up the charts",
  writing: "Writing the results",
  publishing: "Publishing",
  completed: "Completed",
  proposed: "Ready for review",
  failed: "Failed",
  cancelled: "Cancelled",
};
/** @type {Record<string, string>} */
const CHANGES = {
  corrected: "corrected",
  filled: "filled",
  emptied: "emptied, as they held no value",
  removed: "removed with their rows",
  restyled: "written in one form",
  hidden: "hidden as personal data",
};

export const text = {
  name: "NeuraLearn",
  lead: "Drop a table. Get it back cleaned, charted and ready for a model, with the reason for every change.",
  skip: "Skip to the content",
  menu: "Sections",
  datasets: "Datasets",
  api: "API",
  signOut: "Sign out",
  loading: "Loading…",
  retry: "Try again",
  close: "Close",
  cancel: "Cancel",
  missing: "missing",
  emptyText: "empty text",
  more: "Show more",
  notFound: "There is no such place on this page.",
  status: STATUS,
  stages: STAGES,
  errors: {
    unexpected: "Something went wrong on this page. Reload it, and tell us if it comes again.",
    noConnection: "The service does not answer. Check the connection.",
    /** @param {number} status */
    status: (status) => `The service answered ${status}.`,
  },
  signIn: {
    title: "Sign in",
    lead: "This service needs a token or an API key. It is kept in this tab alone, until you close it.",
    label: "Token or API key",
    button: "Sign in",
  },
  upload: {
    title: "Prepare a table",
    drop: "Drop files here",
    choose: "Choose files",
    formats: "CSV, TSV, JSON, Parquet, Arrow, Excel, ODS; also compressed.",
    /** @param {string} size */
    most: (size) => `Up to ${size} each.`,
    address: "Address of a table",
    fetch: "Fetch it",
    options: "Options",
    optionsHint: "Sensible without a change",
    mode: "Mode",
    modes: /** @type {const} */ ([
      ["fast", "fast: rules alone"],
      ["smart", "smart: a language model helps where much is missing"],
      ["deep", "deep: with a written report"],
    ]),
    /** @param {number} left */
    left: (left) => `${counted(left, "upload")} of this mode left`,
    target: "Column to predict",
    targetHint: "Empty: found by name and values",
    fill: "Missing cells",
    fills: /** @type {const} */ ([
      ["safe", "fill ordinary gaps"],
      ["none", "leave all"],
      ["all", "fill whatever can be"],
    ]),
    outliers: "Outliers",
    outlierStrategies: /** @type {const} */ ([
      ["", "as the service is set"],
      ["auto", "flag; move in the table for models"],
      ["flag", "only flag"],
      ["cap", "move to the fence"],
      ["remove", "remove the row"],
      ["median", "replace by the median"],
      ["null", "empty the cell"],
    ]),
    privacy: "Personal data",
    privacies: /** @type {const} */ ([
      ["", "as the service is set"],
      ["keep", "keep"],
      ["mask", "mask"],
      ["hash", "hash"],
      ["drop", "drop the columns"],
    ]),
    review: "Let me review before it is done",
    delimiter: "Separator",
    encoding: "Encoding",
    headerRow: "Line of the header",
    sheet: "Sheet",
    detected: "Empty: detected",
    waiting: "Waiting to be sent",
    /** @param {number} percent */
    sending: (percent) => `Sending, ${percent} %`,
    reading: "Received; being read",
    fetching: "Being fetched",
    again: "Send again",
    dismiss: "Dismiss",
    open: "Open",
    /** @param {number} position */
    queue: (position) => (position ? `${counted(position, "dataset")} before it` : "next in the queue"),
    /** @param {string} time */
    eta: (time) => `about ${time} to go`,
    /** @type {(size: string, most: string) => string} */
    tooLarge: (size, most) => `The file has ${size}; the service takes up to ${most}.`,
    empty: "The file is empty.",
    /** @param {string} ending */
    unknownType: (ending) => `Files that end in “${ending}” are not read as tables.`,
    lost: "The connection was lost while sending. What was sent is not stored; sending again does no harm.",
  },
  list: {
    title: "Your datasets",
    search: "Search",
    status: "Status",
    all: "all",
    sort: "Sort by",
    sorts: /** @type {const} */ ([
      ["created", "newest"],
      ["name", "name"],
      ["rows", "rows"],
      ["size", "size"],
    ]),
    empty: "Nothing here yet. Drop a table above.",
    noMatch: "No dataset matches.",
    /** @type {(rows: string, columns: string) => string} */
    shape: (rows, columns) => `${rows} × ${columns}`,
    delete: "Delete",
    /** @param {string} name */
    deleted: (name) => `“${name}” is deleted.`,
    undo: "Undo",
    columns: { name: "Name", status: "Status", shape: "Rows × columns", size: "Size", mode: "Mode", created: "Uploaded" },
    /** @param {string} id */
    collaboration: (id) => `shared in ${id}`,
    usage: "Language model",
    /** @type {(mode: string, used: number, limit: string) => string} */
    used: (mode, used, limit) => `${mode}: ${used} of ${limit} used`,
    unlimited: "any number",
  },
  dataset: {
    tabs: /** @type {Record<string, string>} */ ({
      overview: "Overview",
      table: "Table",
      steps: "Steps",
      columns: "Columns",
      charts: "Charts",
      lineage: "Lineage",
      versions: "Versions",
      comments: "Comments",
      drift: "Drift",
      report: "Report",
    }),
    version: "Version",
    /** @type {(version: number, date: string) => string} */
    versionOf: (version, date) => `${version}, ${date}`,
    cancel: "Cancel the preparation",
    retry: "Prepare again",
    apply: "Accept the proposal",
    proposal: "This is a proposal: look at it, change it in Steps, and accept it when it is right.",
    gone: "This dataset was deleted.",
    /** @param {number} attempt */
    attempt: (attempt) => `attempt ${attempt}`,
    preparing: "The new version is being made.",
  },
  overview: {
    happened: "What was done",
    alerts: "What to look at",
    quality: "Quality",
    /** @type {(before: string, after: string) => string} */
    beforeAfter: (before, after) => `Upload: ${before} Cleaned: ${after}`,
    downloads: "Downloads",
    preview: "The first rows",
    previewHint: "Marked cells were changed.",
    wholeTable: "Open the table",
    cleaned: "Cleaned table",
    engineered: "Table for models",
    changes: "All changes",
    charts: "All charts",
    code: "The steps as code",
    severities: /** @type {Record<string, string>} */ ({ error: "serious", warning: "worth a look", info: "to know" }),
    done: "dealt with",
    noAlerts: "Nothing stands out.",
    csvNote: "CSV of the cleaned table keeps what was not wrong as the file writes it, 9% as 9%.",
    rejects: "Lines that were left out or mended",
    line: "Line",
    why: "Why",
    content: "Content",
    /** @type {(rows: string, columns: string, how: string) => string} */
    read: (rows, columns, how) => `Read ${rows} rows of ${columns} columns${how}.`,
    /** @param {string} amount */
    rejected: (amount) => ` ${amount} could not be read as rows.`,
    /** @param {string} amount */
    mended: (amount) => ` ${amount} were mended.`,
    unchanged: "No value of the table was changed.",
    /** @type {(amount: string, parts: string) => string} */
    changed: (amount, parts) => `Made ${amount} changes to cells: ${parts}.`,
    kinds: CHANGES,
    noOutliers: "No value lies far out.",
    /** @type {(values: string, columns: string, changed: string) => string} */
    outliers: (values, columns, changed) => `Found ${values} outside the fences in ${columns}; ${changed}.`,
    outliersLeft: "all were left as they are in the cleaned table",
    /** @param {string} amount */
    outliersChanged: (amount) => `${amount} of them were changed in the cleaned table`,
    /** @param {string} amount */
    outliersMoved: (amount) => `, ${amount} were moved in the table for models`,
    /** @type {(features: string, columns: string) => string} */
    features: (features, columns) => `Made ${features} for a model from ${columns}.`,
    /** @type {(column: string, share: string) => string} */
    target: (column, share) => `The column to predict is “${column}” (${share} sure).`,
    noTarget: "No column stands out as the one to predict.",
    /** @param {string} detail */
    failed: (detail) => `The preparation failed. ${detail}`,
  },
  table: {
    which: "Table",
    tables: /** @type {const} */ ([
      ["cleaned", "Cleaned"],
      ["raw", "Upload"],
      ["engineered", "For models"],
    ]),
    onlyChanges: "Only rows with changes",
    nextChange: "Next change",
    filter: "Filter",
    column: "Column",
    operator: "Condition",
    value: "Value",
    add: "Add",
    operators: /** @type {const} */ ([
      ["contains", "contains"],
      ["eq", "is"],
      ["ne", "is not"],
      ["lt", "less than"],
      ["gt", "more than"],
      ["missing", "is missing"],
      ["known", "is not missing"],
      ["changed", "was changed"],
    ]),
    step: "Step",
    rule: "Rule",
    any: "any",
    anyCell: "a cell",
    /** @param {string} amount */
    rows: (amount) => `${amount} rows`,
    /** @param {string} filter */
    remove: (filter) => `Remove the filter ${filter}`,
    row: "Row",
    /** @type {(name: string, order: string) => string} */
    sort: (name, order) => `Sort by ${name}${order}`,
    before: "before",
    after: "after",
    undo: "Undo in this cell",
    byHand: "Undone by hand",
    legend: /** @type {const} */ ([
      ["filled", "filled"],
      ["corrected", "corrected"],
      ["emptied", "emptied or removed"],
      ["restyled", "written in another form"],
    ]),
    undone: "The cell is as the file has it, in a new version.",
    sure: "sure",
    help: "Arrow keys move between cells; Enter shows what was done to one.",
    noRows: "No row matches.",
    engineeredNote: "Marks show where the cleaned table differs from the upload.",
  },
  steps: {
    lead: "The recipe, in order. Switch steps off or on, see what that does, and apply it as a new version.",
    phases: /** @type {Record<string, string>} */ ({
      cleaning: "Cleaning",
      outliers: "Outliers",
      features: "Features for models",
    }),
    /** @param {string} amount */
    changed: (amount) => `${amount} changed`,
    sure: "sure",
    isOn: "This step is on",
    skipped: "skipped",
    flagged: "only flagged",
    examples: "Cells before and after",
    noExamples: "It changes no cell of the cleaned table.",
    distribution: "The column before and after",
    parameters: "Parameters",
    change: "Changes",
    /** @param {number} amount */
    pending: (amount) => `${counted(amount, "change")} not applied yet`,
    apply: "Apply as a new version",
    discard: "Discard",
    /** @type {(before: string, after: string) => string} */
    effect: (before, after) => `Cells changed: ${before} now, ${after} after it.`,
    /** @type {(before: string, after: string) => string} */
    effectFeatures: (before, after) => `Features: ${before} now, ${after} after it.`,
    undoColumn: "Undo all steps of this column",
    filter: "Show steps of",
    allColumns: "all columns",
    measuring: "Trying it out…",
    source: "Show rows",
    stale: "Somebody else has changed the recipe meanwhile. Look at it again.",
  },
  columns: {
    search: "Search columns",
    type: "Type",
    typeHint: "What the column is; another type makes a new recipe",
    automatic: "as recognised",
    role: "What it is for",
    values: "Values",
    distinct: "different values",
    missing: "missing",
    invalid: "do not fit the type",
    statistics: "Statistics",
    topValues: "Most frequent values",
    spellings: "Spellings",
    steps: "Steps",
    features: "Features from it",
    relations: "Goes together with",
    alerts: "To look at",
    names: /** @type {Record<string, string>} */ ({
      minimum: "smallest",
      q1: "lower quartile",
      median: "median",
      mean: "mean",
      meanLength: "mean length",
      q3: "upper quartile",
      maximum: "largest",
      std: "standard deviation",
      skew: "skewness",
      zero_share: "share of zeros",
      first: "first",
      last: "last",
      shortest: "shortest text",
      longest: "longest text",
    }),
    types: /** @type {const} */ (["integer", "decimal", "boolean", "timestamp", "category", "text", "identifier"]),
    roles: /** @type {const} */ ([
      "feature",
      "identifier",
      "target",
      "time",
      "group",
      "weight",
      "sensitive",
      "ignore",
      "keep",
      "drop",
    ]),
    showTable: "Show in the table",
  },
  charts: {
    before: "as read",
    after: "cleaned",
    dropped: "dropped",
    all: "All as a ZIP file",
    unknownKind: "This page is too old for this kind of chart.",
    /** @type {(others: string, cells: string) => string} */
    others: (others, cells) => `and ${others} other values in ${cells} cells`,
    /** @type {(first: string, second: string, value: string) => string} */
    pair: (first, second, value) => `${first} and ${second}: ${value}`,
    /** @type {(total: string, low: string, high: string, from: string, to: string) => string} */
    histogram: (total, low, high, from, to) =>
      `${total} values from ${low} to ${high}; the fullest bar is from ${from} to ${to}.`,
    /** @type {(q1: string, q3: string, median: string, outliers: string) => string} */
    boxplot: (q1, q3, median, outliers) =>
      `The middle half lies from ${q1} to ${q3}, the median is ${median}; ${outliers} outliers.`,
    /** @type {(distinct: string, first: string, amount: string, total: string) => string} */
    countplot: (distinct, first, amount, total) =>
      `${distinct} different values; the most frequent is ${first}, in ${amount} of ${total} cells.`,
    /** @type {(columns: number, first: string, second: string, value: string) => string} */
    correlation: (columns, first, second, value) =>
      `${columns} numeric columns; the strongest pair is ${first} and ${second}, ${value}.`,
    /** @type {(gaps: string, worst: string, share: string) => string} */
    missingness: (gaps, worst, share) => `${gaps} columns have gaps; the most has ${worst}, ${share}.`,
    /** @type {(rows: string, share: string) => string} */
    scatter: (rows, share) => `${rows} rows have both values; each explains ${share} of the order of the other.`,
    /** @type {(first: string, last: string, share: string) => string} */
    groupedBoxplot: (first, last, share) =>
      `Boxes from ${first} to ${last}; the levels explain ${share} of the order of the values.`,
    /** @type {(first: string, label: string, share: string, strength: string) => string} */
    stackedBar: (first, label, share, strength) =>
      `The share of ${first} is highest for ${label}, ${share}; association ${strength}.`,
    /** @type {(rows: string, from: string, to: string, low: string, high: string) => string} */
    timeline: (rows, from, to, low, high) =>
      `${rows} rows from ${from} to ${to}; the median lies between ${low} and ${high}.`,
    /** @type {(complete: string, columns: string, rows: string) => string} */
    missingPatterns: (complete, columns, rows) =>
      `${complete} rows miss nothing; most often missing together: ${columns}, in ${rows} rows.`,
    medianAndHalf: "line: median, band: middle half",
    none: "There are no charts.",
    logarithmic: "logarithmic axis",
    /** @param {string} amount */
    beyond: (amount) => `${amount} outliers lie beyond the axis`,
    /** @param {string} amount */
    outside: (amount) => `${amount} more as read lie beyond the axis`,
  },
  comments: {
    lead: "What people say about the table, its steps, columns and cells. Everybody who may see the dataset may comment, and settle a comment.",
    title: "Comments",
    open: "Open",
    settled: "Settled",
    none: "No open comment.",
    onDataset: "Comment on the dataset",
    /** @param {number} number */
    onStep: (number) => `Comment on step ${number}`,
    /** @param {string} column */
    onColumn: (column) => `Comment on ${column}`,
    onCell: "Comment on this cell",
    send: "Comment",
    settle: "Settle",
    reopen: "Open again",
    remove: "Delete",
    /** @type {(user: string, when: string) => string} */
    settledBy: (user, when) => `Settled by ${user}, ${when}`,
    /** @param {number} number */
    ofVersion: (number) => `version ${number}`,
    /** @param {number} number */
    step: (number) => `step ${number}`,
    /** @type {(column: string, row: string) => string} */
    cell: (column, row) => `${column}, row ${row}`,
    /** @param {string} amount */
    amount: (amount) => (amount === "1" ? "1 comment" : `${amount} comments`),
  },
  lineage: {
    lead: "Which column each feature of the table for models comes from, and how.",
    source: "Column",
    feature: "Feature",
    how: "How",
    unused: "Not used",
    search: "Search",
  },
  versions: {
    lead: "Every preparation, change and undo makes a version. The newest 20 are kept.",
    version: "Version",
    author: "Author",
    created: "Made",
    changed: "Cells changed",
    rows: "Rows",
    what: "What was changed",
    compare: "Compare",
    with: "with",
    quality: "Quality",
    steps: "Steps that differ",
    sameSteps: "All steps are the same.",
    isOff: "off",
    isOn: "on",
    differences: "Cells that differ",
    /** @param {number} amount */
    total: (amount) => `${counted(amount, "cell differs", "cells differ")}.`,
    same: "The cleaned tables are the same.",
    row: "Row",
    column: "Column",
    /** @param {string} steps */
    off: (steps) => `steps ${steps} off`,
    /** @param {number} amount */
    undone: (amount) => `${counted(amount, "cell")} undone`,
    /** @param {number} amount */
    added: (amount) => `${counted(amount, "step")} added`,
    proposed: "as proposed",
    view: "Look at it",
  },
  drift: {
    lead: "How this file differs from the one that the recipe was made on.",
    verdicts: /** @type {Record<string, string>} */ ({ stable: "as before", moved: "differs", broken: "does not fit" }),
    column: "Column",
    verdict: "Verdict",
    findings: "What differs",
    newColumns: "New columns, left out",
    missingColumns: "Columns that are gone",
    steps: "Steps that no longer hold",
  },
  report: {
    summary: "Summary",
    reasoning: "What was done and why",
    recommendations: "What to do next",
    print: "Print",
    file: "The report as one file",
    /** @param {number} amount */
    leftOut: (amount) => `${counted(amount, "chart")} would make this file too large, and can be seen on the page.`,
    /** @param {string} author */
    author: (author) => (author === "template" ? "Written from the facts, without a language model." : `Written by ${author}.`),
  },
};

/** What is quoted goes over the wire into a table cell: an exception of kilobytes does not belong there. */
const MOST_LINES = 6;
const LONGEST_LINE = 500;

/** The lines of Cassandra's log that say why it died: errors, exceptions and their causes, each once. */
export function cassandraErrors(log: string): string[] {
  return distinct(log, /^(?:ERROR|Caused by:|[\w.$]*(?:Exception|Error)\b)/);
}

/** The same of what the JVM and its agents print: options they do not know, no memory left, a port that is taken. */
export function jvmErrors(output: string): string[] {
  return distinct(output, /^(?:Error:|Unrecognized|Invalid|Terminating due to|Could not)/);
}

/** The last lines that are not empty, cut to a readable length. */
export function lastLines(lines: string[]): string {
  return lines
    .filter((line) => line.trim() !== '')
    .slice(-MOST_LINES)
    .map((line) => line.slice(0, LONGEST_LINE))
    .join('\n');
}

function distinct(text: string, telling: RegExp): string[] {
  return [...new Set(text.split('\n').filter((line) => telling.test(line)))];
}

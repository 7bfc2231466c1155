/** The message goes through the wire into a table cell: an exception of kilobytes does not belong there. */
const LONGEST_LINE = 500;

/**
 * The text of logback.xml: everything from INFO up in `<directory>/system.log`, rolled by size, so that a node which
 * runs for a year does not fill its sandbox (at most 6 files of 20 MB).
 */
export function logbackXml(directory: string): string {
  const file = escapeXml(`${directory}/system.log`);
  return `<configuration scan="false">
  <appender name="SYSTEMLOG" class="ch.qos.logback.core.rolling.RollingFileAppender">
    <file>${file}</file>
    <rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
      <fileNamePattern>${file}.%i</fileNamePattern>
      <minIndex>1</minIndex>
      <maxIndex>5</maxIndex>
    </rollingPolicy>
    <triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
      <maxFileSize>20MB</maxFileSize>
    </triggeringPolicy>
    <encoder>
      <pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern>
    </encoder>
  </appender>
  <root level="INFO">
    <appender-ref ref="SYSTEMLOG" />
  </root>
</configuration>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/**
 * The lines of a log that say why Cassandra died: the last errors, exceptions and their causes, each once. Where there is
 * none, the log's last lines.
 */
export function lastErrors(log: string, limit = 6): string {
  const telling = log.split('\n').filter((line) => /^(?:ERROR|Caused by:|[\w.$]*(?:Exception|Error)\b)/.test(line));
  return lastLines(telling.length > 0 ? [...new Set(telling)].join('\n') : log, limit);
}

export function lastLines(text: string, limit = 6): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-limit)
    .map((line) => line.slice(0, LONGEST_LINE))
    .join('\n');
}

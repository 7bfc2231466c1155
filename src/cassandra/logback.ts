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
 * The lines of a log that say why Cassandra died: the last ERROR or exception with the line of its cause, at most
 * `limit` lines. Where there is none, the log's last lines.
 */
export function lastErrors(log: string, limit = 6): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.filter((line) =>
    /^ERROR|^Caused by:|^[\w.$]*(Exception|Error)\b|^Exception|^Error:/.test(line),
  );
  const chosen = [...new Set(telling.length > 0 ? telling : lines)].slice(-limit);
  return chosen.map((line) => line.slice(0, 500)).join('\n');
}

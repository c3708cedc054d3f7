// Reporter of node:test that prints one line for each check and the counts at
// the end.
export default async function* report(source) {
  let passed = 0, failed = 0;
  const faults = [];
  const began = Date.now();
  for await (const { type, data } of source) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    // What went wrong outside of every check, and fails the run.
    if (type === "test:diagnostic" && /^(Error|Warning)/.test(data.message)) faults.push(`  ${data.message}\n`);
    if (type !== "test:pass" && type !== "test:fail") continue;
    const suite = data.details?.type === "suite";
    const broken = type === "test:fail" && !(suite && data.details.error?.failureType === "subtestsFailed");
    if (data.skip !== undefined || (suite && !broken)) continue;
    if (broken) failed++;
    else passed++;
    if (data.details?.error?.failureType === "cancelledByParent") continue; // the parent says why
    const seconds = ((data.details?.duration_ms ?? 0) / 1000).toFixed(1);
    yield `  ${broken ? "FAILED" : "ok    "} ${data.name} (${seconds} s)\n`;
    if (broken) {
      const error = data.details.error?.cause ?? data.details.error;
      const text = `${error?.stack ?? error}`.split("\n").slice(0, 12).join("\n           ");
      faults.push(`  ${data.name}\n           ${text}\n`);
    }
  }
  if (faults.length) yield `\n${faults.join("\n")}`;
  yield `\n${passed} passed, ${failed} failed (${Math.round((Date.now() - began) / 1000)} s, screenshots in .cache/screenshots/)\n`;
}

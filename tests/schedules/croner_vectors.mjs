// Writes croner_vectors.json: what croner, a cron library for JavaScript, answers. Run it where croner is installed:
//   npm install --no-save croner@11.0.1 && node croner_vectors.mjs
// The file is kept, so that the tests need neither Node.js nor croner.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Cron } from "croner";

const EXPRESSIONS = [
  "* * * * *", "*/5 * * * *", "*/7 * * * *", "*/45 * * * *", "0 * * * *", "30 * * * *", "@hourly", "@daily", "@weekly",
  "@monthly", "@yearly", "0 0 * * *", "30 0 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *", "59 23 * * *",
  "0 9-17 * * 1-5", "0,30 1 * * *", "0,30 2 * * *", "30 1,2 * * *", "0 0-23 * * *", "0 */2 * * *", "*/30 2 * * *",
  "*/20 0,1,2,3 * * *", "0-30/10 2,23 * * *", "0 0-22/2 * * *", "5-5 3-3 * * *", "0 12 1 * *", "0 12 31 * *",
  "0 0 29 2 *", "0 12 13 * 5", "0 12 */2 * 1", "0 12 L * *", "0 12 L,15 * *", "0 12 LW * *", "0 12 1W * *",
  "0 12 15W * *", "0 12 1W,15W * *", "0 12 31W * *", "0 12 * * 5#3", "0 12 * * 5#L", "0 12 * * 1#1,4#2",
  "0 12 * * mon-wed#1", "0 12 * * 1,5#3", "0 12 1 * 1#1", "0 12 15W * 1", "0 12 * * 5L", "0 12 * * 7", "0 12 * * 5-7",
  "0 12 * JAN,mar-May *", "0 0 12 * * *", "*/20 59 1 * * *", "30 30 2 * * *", "* 30 2 * * *", "0 0 12 1 6 * 2030",
  "0 0 12 1 6 * 2012,2028-2030", "0 0 12 29 2 * 2095-2105", "0 0 0 1 1 * */25",
  // what one of the two does not read
  "0 22-2 * * *", "0 12 * * sat-mon", "5/20 * * * *", "0 12 L-3 * *", "H * * * *", "0 12 ? * 1", "0 12 * * FRIL",
  "0 12 * * 1-5/2#1", "*/0 * * * *", "60 * * * *", "0 0 30 2 *", "1,,2 * * * *", "0 12 * * MONDAY", "0 12 1+ * 1",
  "0 12 1 * +MON", "@reboot", "@every 5m", "* * * *",
];

// The starts lie in years on which the zone data of all releases agree.
const STARTS = [
  ["UTC", "2024-02-27T11:59:59Z"],
  ["Asia/Kolkata", "2011-05-31T18:00:00Z"],
  ["America/New_York", "2024-03-10T05:30:00Z"],
  ["America/New_York", "2024-03-09T13:00:00Z"],
  ["America/New_York", "2024-11-03T04:30:00Z"],
  ["America/New_York", "2024-11-03T06:10:00Z"],
  ["Europe/London", "2023-03-25T22:00:00Z"],
  ["Europe/London", "2023-10-28T22:00:00Z"],
  ["Europe/Dublin", "2023-03-25T23:30:00Z"],
  ["Europe/Dublin", "2023-10-29T00:15:00Z"],
  ["Australia/Lord_Howe", "2024-04-06T13:00:00Z"],
  ["Australia/Lord_Howe", "2023-09-30T13:40:00Z"],
  ["America/Havana", "2023-03-12T03:00:00Z"],
  ["America/Havana", "2023-11-05T03:00:00Z"],
  ["America/Sao_Paulo", "2017-10-14T23:00:00Z"],
  ["America/Sao_Paulo", "2018-02-18T00:30:00Z"],
  ["America/St_Johns", "2006-04-02T02:00:00Z"],
  ["Antarctica/Troll", "2023-03-25T23:00:00Z"],
  ["Antarctica/Troll", "2023-10-29T00:10:00Z"],
  ["Pacific/Apia", "2011-12-30T08:00:00Z"],
];

function answers(expression) {
  try {
    return STARTS.map(([timezone, start]) => {
      const cron = new Cron(expression, { timezone, fixedTimeRule: "no-wildcard", paused: true });
      return cron.nextRuns(5, new Date(start)).map((at) => at.getTime() / 1000);
    });
  } catch (error) {
    return String(error.message);
  }
}

const manifest = createRequire(import.meta.url).resolve("croner/package.json");
const list = (items) => items.map((item) => "  " + item).join(",\n");
const text = `{
 "croner": ${JSON.stringify(JSON.parse(readFileSync(manifest, "utf8")).version)},
 "tzdata": ${JSON.stringify(process.versions.tz)},
 "starts": [
${list(STARTS.map((start) => JSON.stringify(start)))}
 ],
 "answers": {
${list(EXPRESSIONS.map((expression) => `${JSON.stringify(expression)}: ${JSON.stringify(answers(expression))}`))}
 }
}
`;
writeFileSync(new URL("croner_vectors.json", import.meta.url), text);

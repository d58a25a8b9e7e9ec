/*
 * ajv.mjs DATA MESSAGES BATCHES - measures ajv on the benchmark's messages.
 *
 * DATA holds NAME.json and NAME.schema.json, MESSAGES holds NAME.jsonl. Prints lines for
 * schema_bench --peers: subject, messages, name, minimum and median in ns per message, by tabs.
 * Run it in the folder in which npm installed ajv.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const installed = createRequire(join(process.cwd(), 'package.json'));
const Ajv = installed('ajv/dist/2020').default;
const formats = installed('ajv-formats').default;
const { version } = installed('ajv/package.json');

const BATCH_MESSAGES_MIN = 256;
const WARM_UP_NS = 2_000_000_000n; /* until the optimizing compiler has seen it all */
const [data, messages, batches] = process.argv.slice(2);

/* Minimum and median ns per message of each run, which handles `count` messages. */
function measure(runs, count) {
    const rounds = Math.ceil(BATCH_MESSAGES_MIN / count);
    const samples = runs.map(() => []);
    const batch = (run) => {
        const begin = process.hrtime.bigint();
        for (let i = 0; i < rounds; i++) {
            run();
        }
        return Number(process.hrtime.bigint() - begin) / (rounds * count);
    };
    for (const end = process.hrtime.bigint() + WARM_UP_NS; process.hrtime.bigint() < end; ) {
        runs.forEach(batch);
    }
    for (let i = 0; i < Number(batches); i++) {
        runs.forEach((run, at) => samples[at].push(batch(run))); /* they take turns */
    }
    return samples.map((of) => {
        of.sort((a, b) => a - b);
        return [of[0].toFixed(0), of[of.length >> 1].toFixed(0)];
    });
}

function all(items, judge) {
    return () => {
        for (const item of items) {
            if (!judge(item)) {
                throw new Error('ajv refuses a sound message');
            }
        }
    };
}

for (const subject of ['air-quality', 'ngsi-ld']) {
    const ajv = new Ajv({ strict: false });
    formats(ajv);
    const validate = ajv.compile(JSON.parse(readFileSync(join(data, `${subject}.schema.json`))));
    const sets = {
        one: [readFileSync(join(data, `${subject}.json`), 'utf8')],
        many: readFileSync(join(messages, `${subject}.jsonl`), 'utf8').trimEnd().split('\n'),
    };
    for (const [kind, texts] of Object.entries(sets)) {
        const values = texts.map((text) => JSON.parse(text));
        const rows = {
            'V8 JSON.parse': all(texts, (text) => JSON.parse(text) !== null),
            [`ajv ${version} validate, read before`]: all(values, validate),
            [`ajv ${version} JSON.parse + validate`]: all(texts, (t) => validate(JSON.parse(t))),
        };
        const figures = measure(Object.values(rows), texts.length);
        Object.keys(rows).forEach((name, at) => {
            console.log([subject, kind, name, ...figures[at]].join('\t'));
        });
    }
}

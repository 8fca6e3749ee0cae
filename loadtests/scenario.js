// The scenario mix for k6; loadtests/scenario.json says what happens how often, and what is
// good enough. Run by `make load`, which starts a service of its own on loopback.
import http from "k6/http";
import { check } from "k6";
import { SharedArray } from "k6/data";

const mix = JSON.parse(open("./scenario.json"));
// Each look at an element of a shared array parses it anew: so the elements are small.
const accounts = new SharedArray("accounts", () => JSON.parse(open(__ENV.WORLD)).accounts);
const { url, token } = JSON.parse(open(__ENV.WORLD), (name, value) =>
  name === "accounts" ? undefined : value,
);
const turns = Object.entries(mix.weights).flatMap(([name, weight]) => Array(weight).fill(name));

export const options = {
  vus: mix.clients,
  duration: `${mix.seconds}s`,
  thresholds: {
    http_req_failed: [`rate<=${mix.thresholds.failed_share}`],
    http_req_duration: [`p(95)<=${mix.thresholds.p95_ms}`],
    checks: ["rate==1"],
  },
};

function any(list) {
  return list[Math.floor(Math.random() * list.length)];
}

function posting() {
  const from = Math.floor(Math.random() * accounts.length);
  const to = (from + 1 + Math.floor(Math.random() * (accounts.length - 1))) % accounts.length;
  return {
    postings: [
      { source: accounts[from], destination: accounts[to], amount: 1, asset: "USD" },
    ],
  };
}

function headers(extra) {
  return {
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      ...extra,
    },
  };
}

function key() {
  return { "Idempotency-Key": `${__VU}-${__ITER}-${Math.random()}` };
}

export default function () {
  const account = `${url}/api/v1/ledger-accounts/${any(accounts)}`;
  const ledger = "generated";
  const work = {
    balance: () => [http.get(`${account}/balance/`, headers()), 200],
    statement: () => [http.get(`${account}/statement/?limit=50`, headers()), 200],
    list: () => [http.get(`${url}/api/v1/transactions/?limit=50`, headers()), 200],
    post: () => [
      http.post(
        `${url}/api/v1/transactions/`,
        JSON.stringify({ ledger, ...posting() }),
        headers(key()),
      ),
      201,
    ],
    bulk: () => [
      http.post(
        `${url}/api/v1/transactions/bulk/`,
        JSON.stringify({ ledger, items: Array.from({ length: mix.bulk_items }, posting) }),
        headers(key()),
      ),
      201,
    ],
  };
  const [answer, expected] = work[any(turns)]();
  check(answer, { "answered as it has to be": (r) => r.status === expected });
}

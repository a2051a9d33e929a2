// What we hold our configuration to, beyond being valid.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { all, modules, one, references, resources, text, texts } from "./configuration.mjs";

const repository = (name) => readFile(new URL(`../../${name}`, import.meta.url), "utf8");
const label = ({ folder, type, name }) => `${folder}${type}.${name}`;

const buckets = all("google_storage_bucket");
const members = resources.filter(({ type }) => type.endsWith("_iam_member"));
const service = one("google_cloud_run_v2_service").template[0];
const job = one("google_cloud_run_v2_job").template[0].template[0];
const scheduler = one("google_cloud_scheduler_job");
const alerts = all("google_monitoring_alert_policy");

/** `every bucket: …`, one test a rule. */
const every = (what, among, rule, holds) =>
  test(`every ${what} ${rule}`, () => {
    assert.ok(among.length > 0);
    for (const resource of among) assert.ok(holds(resource.body, resource), label(resource));
  });

// Buckets

every("bucket", buckets, "has access by IAM alone", (body) => body.uniform_bucket_level_access === true);
every("bucket", buckets, "can't be made public", (body) => body.public_access_prevention === "enforced");
every("bucket", buckets, "keeps older versions", (body) => body.versioning[0].enabled === true);
every("bucket", buckets, "gives back what was deleted within a week", (body) =>
  /^\$\{(\d+) \* 24 \* 3600\}$/.exec(body.soft_delete_policy[0].retention_duration_seconds)?.[1] >= 7);
every("bucket", buckets, "is not destroyed with what it holds", (body) => body.force_destroy === false && body.lifecycle[0].prevent_destroy === true);
every("bucket", buckets, "does not keep older versions for ever", (body) =>
  body.lifecycle_rule.some(({ condition: [c] }) => c.days_since_noncurrent_time || c.num_newer_versions));

test("the lake drops uploads that were never finished, and nothing current but records of old runs", () => {
  const rules = one("google_storage_bucket", "lake").lifecycle_rule;
  assert.ok(rules.some(({ action: [action] }) => action.type === "AbortIncompleteMultipartUpload"));
  const current = rules.filter(({ action: [a], condition: [c] }) => a.type === "Delete" && !c.days_since_noncurrent_time);
  assert.deepEqual(current.map(({ condition: [c] }) => c.matches_prefix), [["lake/runs/"]]);
  assert.ok(modules[""].locals.lake.endsWith("/lake"), "the prefix is that of the lake");
});

// Who may do what

test("nobody has a basic role or one that administers", () => {
  const roles = members.map(({ body }) => body.role);
  assert.ok(roles.length > 15);
  for (const role of roles) assert.doesNotMatch(role, /^roles\/(owner|editor|viewer)$|admin/i);
});

test("grants are added one by one and take nothing away from others", () => {
  assert.deepEqual(resources.filter(({ type }) => /_iam_(binding|policy)$/.test(type)).map(label), []);
});

test("all the world is granted one thing: to ask the site", () => {
  const open = members.filter(({ body }) => /^all(Authenticated)?Users$/.test(body.member));
  assert.deepEqual(open.map(({ type, body }) => [type, body.role, body.member]), [
    ["google_cloud_run_v2_service_iam_member", "roles/run.invoker", "allUsers"],
  ]);
  assert.ok(![...texts(resources)].some((value) => value.includes("allAuthenticatedUsers")));
});

test("of a whole project nothing is granted but to run queries and batches", () => {
  const granted = members.filter(({ type }) => type === "google_project_iam_member").map(({ body }) => body.role);
  const custom = "${google_project_iam_custom_role.submitter.id}";
  assert.deepEqual(granted.sort(), [custom, "roles/bigquery.jobUser", "roles/bigquery.jobUser", "roles/dataproc.worker"]);
});

const granted = (account) => members.filter(({ body }) => body.member === `\${google_service_account.${account}.member}`).map(({ body }) => body.role).sort();

test("the site reads and can write nothing", () => {
  assert.deepEqual(granted("web"), ["roles/bigquery.dataViewer", "roles/bigquery.jobUser", "roles/storage.objectViewer"]);
});

test("the refresh writes the lake and the warehouse and can do nothing else", () => {
  assert.deepEqual(granted("refresh"), ["roles/bigquery.dataEditor", "roles/bigquery.jobUser", "roles/storage.objectUser"]);
});

test("the clock starts the refresh and can do nothing else", () => {
  assert.deepEqual(granted("scheduler"), ["roles/run.invoker"]);
  assert.equal(one("google_cloud_run_v2_job_iam_member", "scheduler_runs_refresh").name, "${google_cloud_run_v2_job.refresh.name}");
});

test("who deploys pushes images and updates service and Job, as the two accounts that these run as", () => {
  const developer = "roles/run.developer", user = "roles/iam.serviceAccountUser";
  assert.deepEqual(granted("deployer"), ["roles/artifactregistry.writer", user, user, developer, developer]);
});

test("executors of Spark work and write the lake and can do nothing else", () => {
  assert.deepEqual(granted("executors"), ["roles/dataproc.worker", "roles/storage.objectUser"]);
});

test("who submits batches can do nothing else with Dataproc", () => {
  for (const permission of one("google_project_iam_custom_role").permissions) assert.match(permission, /^dataproc\.(batches|operations)\.(create|get|cancel)$/);
});

test("each thing that runs has an account of its own", () => {
  const accounts = [service.service_account, job.service_account, scheduler.http_target[0].oauth_token[0].service_account_email];
  assert.equal(new Set(accounts).size, 3);
  for (const account of accounts) assert.match(account, /^\$\{google_service_account\.\w+\.email\}$/);
});

test("there is no key and no secret anywhere", () => {
  assert.deepEqual(resources.filter(({ type }) => /key$|secret/.test(type)).map(label), []);
  for (const value of texts(resources)) assert.doesNotMatch(value, /BEGIN [A-Z ]*PRIVATE KEY|AIza[0-9A-Za-z_-]{20}|password|token=/i);
});

test("a token for deploying needs the owner's number, the repository and the branch", () => {
  const { attribute_condition: condition, oidc } = one("google_iam_workload_identity_pool_provider");
  for (const claim of ["repository_owner_id == '${var.deploy_from.owner_id}'", "repository == '${var.deploy_from.repository}'", "ref == '${var.deploy_from.ref}'"]) {
    assert.ok(condition.includes(`assertion.${claim}`), claim);
  }
  assert.match(condition, /join\(" && "/);
  assert.equal(oidc[0].issuer_uri, "https://token.actions.githubusercontent.com");
  assert.match(one("google_service_account_iam_member", "github_is_deployer").member, /attribute\.repository\/\$\{var\.deploy_from\.repository\}$/);
});

// Service and Job

test("service and Job run the one image that is given by digest", () => {
  assert.deepEqual([...service.containers, ...job.containers].map(({ image }) => image), ["${var.image}", "${var.image}"]);
});

test("they run commands that the program has", async () => {
  const config = await repository("src/config/mod.rs");
  const commands = [...config.matchAll(/^ {4}([A-Z]\w+)\(\1\),$/gm)].map(([, name]) => name.toLowerCase());
  for (const { args } of [...service.containers, ...job.containers]) assert.ok(commands.includes(args[0]), args[0]);
});

test("they are told settings that the program has", async () => {
  const known = [...(await repository(".env.example")).matchAll(/^(?:# )?([A-Z0-9_]+)=/gm)].map(([, name]) => name);
  const own = [...service.containers[0].dynamic.env[0].for_each.matchAll(/(TORONTO311_\w+) /g)].map(([, name]) => name);
  const common = [...JSON.stringify(modules[""].locals.settings).matchAll(/(TORONTO311_\w+)/g)].map(([, name]) => name);
  const spark = [...JSON.stringify(modules[""].locals.spark_settings).matchAll(/(TORONTO311_\w+)/g)].map(([, name]) => name);
  assert.ok(own.length === 3 && common.length >= 2 && spark.length === 3);
  for (const name of [...own, ...common, ...spark]) assert.ok(known.includes(name), name);
});

test("the site does not refresh: it has no CPU between requests", () => {
  assert.match(service.containers[0].dynamic.env[0].for_each, /TORONTO311_REFRESH\s*= "off"/);
  assert.equal(service.containers[0].resources[0].cpu_idle, true);
});

test("probes ask for paths that the program has and that reach it", async () => {
  const routes = await repository("src/web/mod.rs");
  const [container] = service.containers;
  const paths = [container.startup_probe, container.liveness_probe].map(([probe]) => probe.http_get[0].path);
  assert.deepEqual(paths, ["/health/ready", "/health/live"]);
  for (const path of paths) assert.ok(routes.includes(`.route("${path}"`) && !path.endsWith("z"), path);
});

test("a start may take as long as Cloud Run allows and no longer", () => {
  const [{ period_seconds, failure_threshold, timeout_seconds }] = service.containers[0].startup_probe;
  assert.ok(period_seconds * failure_threshold <= 240 && timeout_seconds <= period_seconds);
});

const megabytes = (size) => Number.parseInt(size, 10) * (size.endsWith("Gi") ? 1024 : 1);

test("memory and CPU are bounded, and what /tmp may take fits into the memory", () => {
  for (const { containers: [container], volumes: [volume] } of [service, job]) {
    const { limits } = container.resources[0];
    assert.ok(Number(limits.cpu) >= 1);
    assert.ok(megabytes(volume.empty_dir[0].size_limit) <= megabytes(limits.memory) / 2);
    assert.deepEqual([volume.empty_dir[0].medium, container.volume_mounts[0].mount_path], ["MEMORY", "/tmp"]);
  }
});

test("what the site can cost is bounded", () => {
  assert.equal(service.scaling[0].max_instance_count, "${var.max_instances}");
  assert.match(modules[""].variables.max_instances.validation[0].condition, /var\.max_instances <= 20/);
  assert.ok(Number.parseInt(service.timeout, 10) <= 60);
  assert.ok(service.max_instance_request_concurrency <= 80);
});

test("the Job is one task that is tried again and ends", () => {
  const [outer] = one("google_cloud_run_v2_job").template;
  assert.deepEqual([outer.task_count, outer.parallelism], [1, 1]);
  assert.ok(job.max_retries >= 3 && Number.parseInt(job.timeout, 10) <= 3600);
});

test("service, Job and table are protected against deletion", () => {
  for (const type of ["google_cloud_run_v2_service", "google_cloud_run_v2_job", "google_bigquery_table"]) assert.equal(one(type).deletion_protection, true, type);
});

// The clock

test("the clock is UTC, so that no day has the hour twice or not at all, and not on the hour", () => {
  assert.equal(scheduler.time_zone, "Etc/UTC");
  const [minute, hour, ...days] = modules[""].variables.refresh_schedule.default.split(" ");
  assert.ok(Number(minute) > 0 && Number(hour) >= 0);
  assert.deepEqual(days, ["*", "*", "*"], "daily");
});

test("the clock calls an API of Google with an OAuth token", () => {
  const [target] = scheduler.http_target;
  assert.match(target.uri, /^https:\/\/run\.googleapis\.com\/v2\/\$\{google_cloud_run_v2_job\.refresh\.id\}:run$/);
  assert.ok(target.oauth_token && !target.oidc_token);
});

test("the clock tries again within what Cloud Scheduler allows", () => {
  const deadline = Number.parseInt(scheduler.attempt_deadline, 10);
  assert.ok(deadline >= 15 && deadline <= 1800);
  assert.ok(scheduler.retry_config[0].retry_count > 0 && scheduler.retry_config[0].retry_count <= 5);
});

// The warehouse

test("facts are in partitions by month and clustered by columns that the schema has", async () => {
  const table = one("google_bigquery_table");
  const columns = JSON.parse(await text("requests.schema.json"));
  const of = (name) => columns.find((column) => column.name === name);
  const [{ type, field }] = table.time_partitioning;
  assert.deepEqual([type, of(field).type], ["MONTH", "DATETIME"]);
  assert.deepEqual(table.clustering.map((name) => of(name)?.type), ["STRING", "STRING"]);
});

test("rows do not expire, and a dataset that has tables is not deleted", () => {
  const dataset = one("google_bigquery_dataset");
  assert.ok(!dataset.default_table_expiration_ms && !dataset.default_partition_expiration_ms);
  assert.equal(dataset.delete_contents_on_destroy, false);
});

test("warehouse and Spark are there only when asked for", () => {
  assert.deepEqual([modules[""].variables.warehouse.default, modules[""].variables.spark.default], ["embedded", false]);
  assert.equal(modules[""].calls.spark.count, "${var.spark ? 1 : 0}");
  for (const type of ["google_bigquery_dataset", "google_bigquery_table"]) assert.equal(one(type).count, '${var.warehouse == "bigquery" ? 1 : 0}');
});

// Images and networks

test("a tag can't be moved to another image, and enough images stay to go back", () => {
  const registry = one("google_artifact_registry_repository");
  assert.equal(registry.docker_config[0].immutable_tags, true);
  const keep = registry.cleanup_policies.find(({ action }) => action === "KEEP");
  assert.ok(keep.most_recent_versions[0].keep_count >= 10);
});

test("executors of Spark have no way in from outside", () => {
  const firewall = one("google_compute_firewall");
  assert.deepEqual(firewall.source_ranges, ["${google_compute_subnetwork.spark.ip_cidr_range}"]);
  assert.equal(one("google_compute_network").auto_create_subnetworks, false);
  assert.equal(one("google_compute_subnetwork").private_ip_google_access, true);
  assert.deepEqual(resources.filter(({ type }) => /router_nat|compute_address|instance/.test(type)).map(label), []);
});

// Being told

every("alert", alerts, "tells somebody", (body) => body.notification_channels.length === 1);

test("every alert is explained in README.md", async () => {
  const readme = await text("README.md");
  const section = readme.slice(readme.indexOf("## Alerts"));
  for (const { body } of alerts) {
    const [, subject] = body.documentation[0].content.match(/"Alerts": (.*)\.$/);
    const subjects = subject === "${each.key}" ? Object.keys(body.for_each) : [subject];
    for (const word of subjects) assert.ok(section.includes(`| ${word} |`), word);
  }
});

test("there is an alert for being down, errors, slowness, age, and a refresh that failed or did not start", () => {
  assert.deepEqual(alerts.map(({ name }) => name).sort(), ["errors", "refresh_failed", "refresh_not_started", "slow", "uptime"]);
  assert.deepEqual(Object.keys(one("google_monitoring_alert_policy", "uptime").for_each), ["down", "stale"]);
});

test("the site is asked from three regions over TLS, at addresses that it has", async () => {
  const [pages, resources] = await Promise.all(["src/web/mod.rs", "src/web/api/resource.rs"].map(repository));
  for (const { body } of all("google_monitoring_uptime_check_config")) {
    const [http] = body.http_check;
    assert.ok(body.selected_regions.length >= 3 && http.use_ssl && http.validate_ssl);
    const resource = http.path.replace("/api/v1/", "");
    assert.ok(pages.includes(`.route("${http.path}"`) || resources.includes(`name: "${resource}"`), http.path);
  }
});

test("age is judged by the word that the API has for data that is too old", async () => {
  const [matcher] = one("google_monitoring_uptime_check_config", "fresh").content_matchers;
  assert.equal(matcher.json_path_matcher[0].json_path, "$.freshness");
  assert.ok((await repository("src/release/freshness.rs")).includes(`Self::Stale => ${matcher.content}`));
});

test("objectives are those of README.md", async () => {
  const readme = await text("README.md");
  for (const { body } of all("google_monitoring_slo")) assert.ok(readme.includes(`${Number((body.goal * 100).toFixed(1))} %`), body.slo_id);
});

test("the dashboard shows the service and the Job by the names that they have", async () => {
  const dashboard = await text("dashboard.json");
  JSON.parse(dashboard);
  const names = new Set([...dashboard.matchAll(/(?:service_name|job_name)=\\"([\w-]+)\\"/g)].map(([, name]) => name));
  assert.deepEqual([...names].sort(), [one("google_cloud_run_v2_service").name, one("google_cloud_run_v2_job").name].sort());
});

// The whole

test("everything that is used of Google Cloud is switched on first", () => {
  const apis = {
    artifact_registry: "artifactregistry", bigquery: "bigquery", cloud_run: "run", cloud_scheduler: "cloudscheduler",
    iam: "iam", monitoring: "monitoring", service_account: "iam", storage: "storage",
  };
  const on = one("google_project_service").for_each;
  for (const { type } of resources) {
    const [, api] = Object.entries(apis).find(([prefix]) => type.startsWith(`google_${prefix}`)) ?? [];
    if (api) assert.ok(on.includes(`${api}.googleapis.com`), type);
  }
  assert.equal(one("google_project_service").disable_on_destroy, false);
});

test("Terraform and provider are bounded alike wherever they are named", () => {
  const roots = [modules[""], modules["bootstrap/"]].map(({ terraform: [body] }) => body);
  for (const body of roots) {
    assert.equal(body.required_version, ">= 1.9");
    assert.deepEqual(body.required_providers, [{ google: { source: "hashicorp/google", version: ">= 6.50, < 9" } }]);
  }
  assert.equal(roots[0].backend.gcs[0].bucket, undefined, "it differs between projects");
});

test("every variable and output says what it is", () => {
  for (const { folder, variables, outputs } of Object.values(modules)) {
    for (const [name, body] of Object.entries({ ...variables, ...outputs })) assert.match(body.description ?? "", /\.$/, `${folder}${name}`);
  }
});

test("what people give is checked before anything is made", () => {
  for (const folder of ["", "bootstrap/"]) {
    for (const [name, body] of Object.entries(modules[folder].variables)) assert.ok(body.validation || body.type === "${bool}" || body.type === "bool", `${folder}${name}`);
  }
});

test("nothing is bound to one project or one region", async () => {
  const values = [...texts(resources)].filter((value) => /northamerica|us-(east|west|central)\d|europe-\w+\d/.test(value));
  assert.deepEqual(values, []);
  assert.ok((await references(one("google_storage_bucket", "lake").name)).some(([head, name]) => head === "var" && name === "project"));
});

# Who may deploy: jobs of one branch of one repository at GitHub, by short tokens; there is no key that could be stolen.

resource "google_service_account" "deployer" {
  account_id   = "toronto311-deployer"
  display_name = "Pushes images and points service and Job to them"
}

resource "google_iam_workload_identity_pool" "github" {
  workload_identity_pool_id = "toronto311-github"
  display_name              = "GitHub"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  # checkov:skip=CKV_GCP_125: it reads assertion.sub alone; the condition below names owner, repository and branch one by one
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub Actions"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }

  # Without it, any job of anybody at GitHub could ask for a token. A name can be registered again by others, an id can't.
  attribute_condition = join(" && ", [
    "assertion.repository_owner_id == '${var.deploy_from.owner_id}'",
    "assertion.repository == '${var.deploy_from.repository}'",
    "assertion.ref == '${var.deploy_from.ref}'",
  ])

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "github_is_deployer" {
  service_account_id = google_service_account.deployer.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/attribute.repository/${var.deploy_from.repository}"
}

resource "google_artifact_registry_repository_iam_member" "deployer_pushes" {
  repository = "toronto311"
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.deployer.member
}

resource "google_cloud_run_v2_job_iam_member" "deployer_updates_refresh" {
  name     = google_cloud_run_v2_job.refresh.name
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.deployer.member
}

resource "google_cloud_run_v2_service_iam_member" "deployer_updates_web" {
  count = var.web ? 1 : 0

  name     = module.web[0].service
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.deployer.member
}

# To say that a revision runs as an account, one must be allowed to act as it.
resource "google_service_account_iam_member" "deployer_acts_as_refresh" {
  service_account_id = google_service_account.refresh.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

resource "google_service_account_iam_member" "deployer_acts_as_web" {
  count = var.web ? 1 : 0

  service_account_id = module.web[0].account
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

project     = "my-project"
image       = "northamerica-northeast2-docker.pkg.dev/my-project/toronto311/toronto311@sha256:0000000000000000000000000000000000000000000000000000000000000000"
alert_email = "somebody@example.org"

deploy_from = {
  repository = "my-name/toronto311"
  owner_id   = "1234567"
}

# False for the first time: see README.md.
web = true

# The rest has defaults: region, warehouse, spark, max_instances, refresh_schedule.

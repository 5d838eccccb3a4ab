module github.com/slipway-deploy/slipway/api-specs

go 1.26.0

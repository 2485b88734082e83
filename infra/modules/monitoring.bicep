// Log Analytics and Application Insights. Telemetry is taken from identities only, so the connection string is an address and not a secret.

@description('Name of the Log Analytics workspace.')
@minLength(4)
@maxLength(63)
param workspaceName string

@description('Name of the Application Insights component.')
param componentName string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Object id of the identity that may send telemetry.')
param principalId string

@description('Days for which logs are kept. The first 31 are part of the price of ingestion.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Gigabytes a day after which nothing more is taken in until the next day; -1 for no cap.')
@minValue(-1)
@maxValue(100)
param dailyCapGb int

// Monitoring Metrics Publisher.
var publisherRole = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: dailyCapGb
    }
    features: {
      disableLocalAuth: true
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: component
  name: guid(component.id, principalId, publisherRole)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', publisherRole)
  }
}

@description('Where telemetry is sent.')
output connectionString string = component.properties.ConnectionString

@description('Name of the Application Insights component.')
output componentName string = component.name

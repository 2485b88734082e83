// An Azure OpenAI account with one deployment. It takes tokens of identities only.

@description('Name of the account, which is its subdomain as well and unique in all of Azure.')
@minLength(2)
@maxLength(64)
param name string

@description('Azure region; must have quota for the model.')
param location string

@description('Tags of the resource.')
param tags object

@description('Object id of the identity that may call the model.')
param principalId string

@description('Name of the deployment: what workflow files call the model.')
param deploymentName string

@description('Name of the model.')
param modelName string

@description('Version of the model; the word default for the one that Azure gives by default.')
param modelVersion string

@description('Kind of the deployment: where calls may be processed, and how they are billed.')
@allowed([
  'GlobalStandard'
  'DataZoneStandard'
  'Standard'
])
param modelSku string

@description('Thousands of tokens a minute.')
@minValue(1)
@maxValue(10000)
param modelCapacity int

// Cognitive Services OpenAI User.
var userRole = '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    // Tokens of identities are taken on an account's own subdomain only.
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

resource model 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = {
  parent: account
  name: deploymentName
  sku: {
    name: modelSku
    capacity: modelCapacity
  }
  properties: {
    model: {
      format: 'OpenAI'
      name: modelName
      version: modelVersion == 'default' ? null : modelVersion
    }
    versionUpgradeOption: 'OnceCurrentVersionExpired'
  }
}

resource user 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, principalId, userRole)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', userRole)
  }
}

@description('Address of the account.')
output endpoint string = account.properties.endpoint

@description('What workflow files call the model.')
output deploymentName string = model.name

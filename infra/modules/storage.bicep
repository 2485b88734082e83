// One account for the package, the Functions host, Durable Functions' task hub, and Polyphony's ledger, payloads and definitions. There is no way in by account key.

@description('Name of the storage account, unique in all of Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@description('Object id of the identity that may use the account.')
param principalId string

@description('Name of the container that holds the package.')
@minLength(3)
@maxLength(63)
param packageContainer string

@description('Whether the app works with queues of this account: those of the task hub, or those by which workflows are started.')
param needsQueues bool

@description('Name of the queue whose messages start workflows; empty for none.')
param startQueue string

@description('Name of the container whose blobs start a workflow; empty for none.')
param startContainer string

@description('Whether the account is reached from the internet (by identity), or by private endpoints only.')
param publicAccess bool

var blobOwnerRole = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var queueContributorRole = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var tableContributorRole = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
// The Functions host takes leases on its blobs and sets their access: that is the owner's role, not the contributor's.
var roles = needsQueues ? [blobOwnerRole, queueContributorRole, tableContributorRole] : [blobOwnerRole, tableContributorRole]

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: packageContainer
}

resource starts 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = if (!empty(startContainer)) {
  parent: blobs
  name: startContainer
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = if (!empty(startQueue)) {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = if (!empty(startQueue)) {
  parent: queues
  name: startQueue
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    scope: account
    name: guid(account.id, principalId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

@description('Resource id of the account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('Address of its blobs, with a slash at the end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Address of its tables, with a slash at the end.')
output tableEndpoint string = account.properties.primaryEndpoints.table

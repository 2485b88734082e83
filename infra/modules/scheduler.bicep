// Durable Task Scheduler: the task hub as a service, in place of queues and tables in the storage account.

@description('Name of the scheduler.')
@minLength(3)
@maxLength(64)
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@description('Object id of the identity that may use the task hub.')
param principalId string

@description('Name of the task hub.')
@minLength(3)
@maxLength(64)
param taskHubName string

@description('Consumption is paid by the action, Dedicated by the hour.')
@allowed([
  'Consumption'
  'Dedicated'
])
param sku string

@description('Capacity units of the Dedicated kind; without meaning for Consumption.')
@minValue(1)
@maxValue(3)
param capacity int

// Durable Task Data Contributor.
var contributorRole = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // Who may use it is decided by roles; the addresses of a Flex Consumption app are not known beforehand.
    ipAllowlist: [
      '0.0.0.0/0'
    ]
    sku: sku == 'Dedicated' ? { name: sku, capacity: capacity } : { name: sku }
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: taskHubName
}

resource contributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: taskHub
  name: guid(taskHub.id, principalId, contributorRole)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
  }
}

@description('Address of the scheduler.')
output endpoint string = scheduler.properties.endpoint

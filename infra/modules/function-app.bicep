// The Flex Consumption plan and the app. All access is by the user-assigned identity; the app has no secret among its settings.

@description('Name of the function app, unique in all of Azure.')
@minLength(2)
@maxLength(60)
param name string

@description('Name of the plan.')
param planName string

@description('Azure region.')
param location string

@description('Tags of the plan; the app gets azd-service-name besides.')
param tags object

@description('Name of the service in azure.yaml.')
param serviceName string

@description('Resource id of the identity that the app runs as.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Name of the storage account.')
param storageName string

@description('Address of its blobs, with a slash at the end.')
param blobEndpoint string

@description('Address of its tables, with a slash at the end.')
param tableEndpoint string

@description('Name of the container that holds the package.')
param packageContainer string

@description('Where telemetry is sent.')
param telemetryConnectionString string

@description('Name of the task hub: the table, queue and container names of a hub in storage begin with it.')
param taskHubName string

@description('Address of the Durable Task Scheduler; empty when the task hub lies in storage.')
param schedulerEndpoint string

@description('Address of the Azure OpenAI account; empty for none.')
param modelEndpoint string

@description('Settings file of models and prices, relative to the package; empty for its settings.json, if there is one.')
param settingsFile string

@description('Name of the queue whose messages start workflows; empty for none.')
param queue string

@description('Workflow that every message starts; empty if the messages say what to start.')
param queueWorkflow string

@description('Container, or folder in one, whose blobs start a workflow; empty for none.')
param blobs string

@description('Workflow that every blob starts.')
param blobsWorkflow string

@description('Memory of an instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int

@description('The most instances the app may scale out to.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@description('Instances kept warm for HTTP requests.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int

@description('Instances kept warm for orchestrations, activities and entities.')
@minValue(0)
@maxValue(20)
param alwaysReadyDurable int

@description('Resource id of the subnet that the app joins; empty for none.')
param subnetId string

var settings = union(
  {
    // The Functions host, and Durable Functions with it.
    AzureWebJobsStorage__accountName: storageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    TASKHUB_NAME: taskHubName
    // Ledger, payloads and definitions.
    PolyphonyStorage__blobServiceUri: blobEndpoint
    PolyphonyStorage__tableServiceUri: tableEndpoint
    PolyphonyStorage__credential: 'managedidentity'
    PolyphonyStorage__clientId: identityClientId
    // Azure.Identity picks the app's identity by it, for calls to the model.
    AZURE_CLIENT_ID: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: telemetryConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  },
  empty(schedulerEndpoint)
    ? {}
    : {
        DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
      },
  empty(modelEndpoint) ? {} : { AZURE_OPENAI_ENDPOINT: modelEndpoint },
  empty(settingsFile) ? {} : { POLYPHONY_SETTINGS: settingsFile },
  empty(queue) ? {} : { POLYPHONY_QUEUE: queue },
  empty(queueWorkflow) ? {} : { POLYPHONY_QUEUE_WORKFLOW: queueWorkflow },
  empty(blobs) ? {} : { POLYPHONY_BLOBS: blobs },
  empty(blobsWorkflow) ? {} : { POLYPHONY_BLOBS_WORKFLOW: blobsWorkflow }
)

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'dotnet-isolated'
        version: '10.0'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: concat(
          alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: alwaysReadyHttp }] : [],
          alwaysReadyDurable > 0 ? [{ name: 'durable', instanceCount: alwaysReadyDurable }] : []
        )
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [for setting in items(settings): { name: setting.key, value: setting.value }]
    }
  }

  // No deployment by user name and password; azd deploys with a token.
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }
}

@description('Name of the function app.')
output name string = app.name

@description('Address of the function app, without a slash at the end.')
output uri string = 'https://${app.properties.defaultHostName}'

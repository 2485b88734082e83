// Everything that Polyphony needs on Azure, in one resource group. docs/deploy.md says what each part is for and what it costs at rest.
targetScope = 'subscription'

@description('Name of the azd environment. The resource group is called rg-NAME, and the names of the resources are derived from it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region, one that has Flex Consumption.')
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Where the model comes from: create makes an Azure OpenAI account with a deployment, existing uses the account at modelEndpoint, none leaves Azure OpenAI out.')
@allowed([
  'create'
  'existing'
  'none'
])
param modelSource string = 'create'

@description('With modelSource existing: address of the account, such as https://NAME.openai.azure.com.')
param modelEndpoint string = ''

@description('Azure region of the account; empty for that of everything else.')
param modelLocation string = ''

@description('Model to deploy.')
param modelName string = 'gpt-5.4-mini'

@description('Version of the model; the word default for the one that Azure gives by default.')
param modelVersion string = '2026-03-17'

@description('Kind of the deployment: where calls may be processed, and how they are billed.')
@allowed([
  'GlobalStandard'
  'DataZoneStandard'
  'Standard'
])
param modelSku string = 'GlobalStandard'

@description('Thousands of tokens a minute. It costs nothing by itself, but counts against the quota of the subscription.')
@minValue(1)
@maxValue(10000)
param modelCapacity int = 30

@description('Name of the deployment, which workflow files give as model; empty for the name of the model.')
param modelDeployment string = ''

@description('Memory of an instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('The most instances the app may scale out to, and with it the most that compute can cost.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances kept warm for HTTP requests; they cost at rest.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 0

@description('Instances kept warm for orchestrations, activities and entities; they cost at rest.')
@minValue(0)
@maxValue(20)
param alwaysReadyDurable int = 0

@description('Name of the task hub: letters and digits, a letter first.')
@minLength(3)
@maxLength(45)
param taskHubName string = 'polyphony'

@description('Settings file of models and prices, relative to the package; empty for its settings.json, if there is one.')
param settingsFile string = ''

@description('Name of the queue whose messages start workflows; empty for none.')
@maxLength(56)
param queue string = ''

@description('Workflow that every message of the queue starts, with the message as its input; empty if the messages say what to start.')
param queueWorkflow string = ''

@description('Container, or folder in one (CONTAINER/FOLDER), whose blobs start a workflow; empty for none. Event Grid must tell the app of them: docs/deploy.md.')
param blobs string = ''

@description('Workflow that every blob starts.')
param blobsWorkflow string = ''

@description('Whether to make a Durable Task Scheduler for the task hub. host.json must name it as well: docs/deploy.md.')
param schedulerEnabled bool = false

@description('Consumption is paid by the action, Dedicated by the hour.')
@allowed([
  'Consumption'
  'Dedicated'
])
param schedulerSku string = 'Consumption'

@description('Capacity units of the Dedicated kind.')
@minValue(1)
@maxValue(3)
param schedulerCapacity int = 1

@description('Whether the app joins a virtual network and reaches its storage by private endpoints only; they cost at rest.')
param networkEnabled bool = false

@description('Address range of the network, /16 to /23.')
@minLength(9)
@maxLength(18)
param networkAddressPrefix string = '10.60.0.0/16'

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Gigabytes of logs a day after which nothing more is taken in until the next day; -1 for no cap.')
@minValue(-1)
@maxValue(100)
param logDailyCapGb int = 1

var tags = { 'azd-env-name': environmentName }
var token = uniqueString(subscription().id, environmentName, location)
var packageContainer = 'packages'
var createModel = modelSource == 'create'
// The host passes blobs on to the app by a queue of its own.
var needsQueues = !schedulerEnabled || !empty(queue) || !empty(blobs)
var deploymentName = empty(modelDeployment) ? modelName : modelDeployment

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    componentName: 'appi-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    packageContainer: packageContainer
    needsQueues: needsQueues
    startQueue: queue
    startContainer: split(blobs, '/')[0]
    publicAccess: !networkEnabled
  }
}

module openai 'modules/openai.bicep' = if (createModel) {
  name: 'openai'
  scope: group
  params: {
    name: 'oai-${token}'
    location: empty(modelLocation) ? location : modelLocation
    tags: tags
    principalId: identity.outputs.principalId
    deploymentName: deploymentName
    modelName: modelName
    modelVersion: modelVersion
    modelSku: modelSku
    modelCapacity: modelCapacity
  }
}

module scheduler 'modules/scheduler.bicep' = if (schedulerEnabled) {
  name: 'scheduler'
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    taskHubName: taskHubName
    sku: schedulerSku
    capacity: schedulerCapacity
  }
}

module network 'modules/network.bicep' = if (networkEnabled) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    addressPrefix: networkAddressPrefix
  }
}

module storageEndpoints 'modules/storage-endpoints.bicep' = if (networkEnabled) {
  name: 'storage-endpoints'
  scope: group
  params: {
    storageId: storage.outputs.id
    storageName: storage.outputs.name
    location: location
    tags: tags
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointSubnetId
    services: needsQueues ? ['blob', 'queue', 'table'] : ['blob', 'table']
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    serviceName: 'functions'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    blobEndpoint: storage.outputs.blobEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    packageContainer: packageContainer
    telemetryConnectionString: monitoring.outputs.connectionString
    taskHubName: taskHubName
    schedulerEndpoint: schedulerEnabled ? scheduler!.outputs.endpoint : ''
    modelEndpoint: createModel ? openai!.outputs.endpoint : modelSource == 'existing' ? modelEndpoint : ''
    settingsFile: settingsFile
    queue: queue
    queueWorkflow: queueWorkflow
    blobs: blobs
    blobsWorkflow: blobsWorkflow
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyDurable: alwaysReadyDurable
    subnetId: networkEnabled ? network!.outputs.appSubnetId : ''
  }
  // The app reads its storage as soon as it starts, by names that must lead to the endpoints by then.
  dependsOn: [
    storageEndpoints
  ]
}

@description('Azure region.')
output AZURE_LOCATION string = location

@description('Tenant of the subscription.')
output AZURE_TENANT_ID string = tenant().tenantId

@description('Resource group with everything in it.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app.')
output SERVICE_FUNCTIONS_NAME string = functionApp.outputs.name

@description('Address of the function app.')
output SERVICE_FUNCTIONS_URI string = functionApp.outputs.uri

@description('Object id of the identity that the app runs as, for roles outside of the resource group.')
output SERVICE_FUNCTIONS_PRINCIPAL_ID string = identity.outputs.principalId

@description('Storage account with the task hub, ledger, payloads and definitions.')
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name

@description('Application Insights component.')
output AZURE_APPLICATION_INSIGHTS string = monitoring.outputs.componentName

@description('What workflow files call the deployed model; empty when none was deployed.')
output AZURE_OPENAI_DEPLOYMENT string = createModel ? openai!.outputs.deploymentName : ''

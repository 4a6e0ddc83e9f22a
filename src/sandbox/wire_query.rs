//! The query protocols (EC2's and the plain one): form fields to a JSON tree, a JSON tree to XML.
//!
//! Called by the router. Must never know an operation; the tree and the protocol decide everything.

use super::{AwsError, Protocol, Reply, Service};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Form fields of the URL and the body; a field that comes twice is an error.
pub(super) fn fields(query: &str, body: &[u8]) -> Result<BTreeMap<String, String>, AwsError> {
    let mut fields = BTreeMap::new();
    let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(body));
    for (name, value) in pairs {
        if let Some(_twice) = fields.insert(name.to_string(), value.into_owned()) {
            return Err(malformed(format!("The parameter {name} is given more than once")));
        }
    }
    Ok(fields)
}

/// The operation's parameters as a tree: `Filter.1.Name` (EC2) and `Tags.member.1.Key` (query) become lists, by the
/// element names of the service. `Action`, `Version` and what belongs to the signature are left out.
pub(super) fn decode(fields: &BTreeMap<String, String>, service: &Service) -> Result<Value, AwsError> {
    let mut root = BTreeMap::new();
    for (name, value) in fields {
        if name == "Action" || name == "Version" || name.starts_with("X-Amz-") {
            continue;
        }
        insert(&mut root, name, value)?;
    }
    structure(root, service)
}

#[derive(Debug)]
enum Node<'a> {
    Leaf(&'a str),
    Branch(BTreeMap<&'a str, Self>),
}

fn insert<'a>(root: &mut BTreeMap<&'a str, Node<'a>>, name: &'a str, value: &'a str) -> Result<(), AwsError> {
    let mut level = root;
    let mut parts = name.split('.').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            return Err(malformed(format!("The parameter name {name} has an empty part")));
        }
        if parts.peek().is_none() {
            if let Some(_other) = level.insert(part, Node::Leaf(value)) {
                return Err(clash(name));
            }
            return Ok(());
        }
        let Node::Branch(next) = level.entry(part).or_insert_with(|| Node::Branch(BTreeMap::new())) else {
            return Err(clash(name));
        };
        level = next;
    }
    Ok(())
}

fn structure(branch: BTreeMap<&str, Node<'_>>, service: &Service) -> Result<Value, AwsError> {
    let members = branch.into_iter().map(|(name, node)| Ok((name.to_owned(), grown(name, node, service)?)));
    Ok(Value::Object(members.collect::<Result<Map<_, _>, AwsError>>()?))
}

fn grown(name: &str, node: Node<'_>, service: &Service) -> Result<Value, AwsError> {
    let branch = match node {
        Node::Leaf(text) => return Ok(Value::String(text.to_owned())),
        Node::Branch(branch) => branch,
    };
    if service.protocol == Protocol::Ec2 {
        return if is_numbered(&branch) { elements(name, branch, service) } else { structure(branch, service) };
    }
    let element = service.list(name).asked;
    let misnamed = || malformed(format!("A list element must be named {name}.{element}.<number>"));
    if is_numbered(&branch) {
        return Err(misnamed());
    }
    if branch.len() == 1 && branch.contains_key(element) {
        return match branch.into_values().next() {
            Some(Node::Branch(list)) if is_numbered(&list) => elements(name, list, service),
            _ => Err(misnamed()),
        };
    }
    structure(branch, service)
}

fn is_numbered(branch: &BTreeMap<&str, Node<'_>>) -> bool {
    branch.keys().all(|key| key.parse::<u32>().is_ok())
}

fn elements(name: &str, branch: BTreeMap<&str, Node<'_>>, service: &Service) -> Result<Value, AwsError> {
    let numbered =
        branch.into_iter().map(|(key, node)| Ok((key.parse::<u32>().unwrap_or(0), grown(name, node, service)?)));
    let mut numbered = numbered.collect::<Result<Vec<_>, AwsError>>()?;
    numbered.sort_by_key(|(number, _)| *number);
    Ok(Value::Array(numbered.into_iter().map(|(_, value)| value).collect()))
}

fn malformed(message: String) -> AwsError {
    AwsError::new("MalformedQueryString", message)
}

fn clash(name: &str) -> AwsError {
    malformed(format!("The parameter {name} is both a value and a structure"))
}

/// The XML body of an answer.
pub(super) fn answer(service: &Service, operation: &str, reply: &Reply, request_id: &str) -> String {
    let mut xml = String::new();
    let namespace = namespace(service);
    open(&mut xml, &format!("{operation}Response xmlns=\"{namespace}\""));
    if service.protocol == Protocol::Ec2 {
        leaf(&mut xml, "requestId", request_id);
        members(&mut xml, reply, service);
    } else {
        open(&mut xml, &format!("{operation}Result"));
        members(&mut xml, reply, service);
        close(&mut xml, &format!("{operation}Result"));
        open(&mut xml, "ResponseMetadata");
        leaf(&mut xml, "RequestId", request_id);
        close(&mut xml, "ResponseMetadata");
    }
    close(&mut xml, &format!("{operation}Response"));
    xml
}

/// The XML body of an error; `service` is unknown when the request could not be routed.
pub(super) fn error(service: Option<&Service>, protocol: Protocol, error: &AwsError, request_id: &str) -> String {
    let mut xml = String::new();
    if protocol == Protocol::Ec2 {
        xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
        leaf(&mut xml, "Code", &error.code);
        leaf(&mut xml, "Message", &error.message);
        xml.push_str("</Error></Errors>");
        leaf(&mut xml, "RequestID", request_id);
        close(&mut xml, "Response");
        return xml;
    }
    match service {
        Some(service) => open(&mut xml, &format!("ErrorResponse xmlns=\"{}\"", namespace(service))),
        None => open(&mut xml, "ErrorResponse"),
    }
    open(&mut xml, "Error");
    leaf(&mut xml, "Type", if error.status < 500 { "Sender" } else { "Receiver" });
    leaf(&mut xml, "Code", &error.code);
    leaf(&mut xml, "Message", &error.message);
    close(&mut xml, "Error");
    leaf(&mut xml, "RequestId", request_id);
    close(&mut xml, "ErrorResponse");
    xml
}

// As the API models spell them: some say http, all of them end in a slash.
fn namespace(service: &Service) -> String {
    let scheme = match service.scope {
        "ec2" | "elasticloadbalancing" | "redshift" | "sns" => "http",
        _ => "https",
    };
    format!("{scheme}://{}.amazonaws.com/doc/{}/", service.scope, service.version)
}

fn members(xml: &mut String, value: &Value, service: &Service) {
    if let Value::Object(map) = value {
        for (name, member) in map {
            node(xml, name, member, service);
        }
    }
}

fn node(xml: &mut String, name: &str, value: &Value, service: &Service) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => leaf(xml, name, if *truth { "true" } else { "false" }),
        Value::Number(number) => leaf(xml, name, &number.to_string()),
        Value::String(text) => leaf(xml, name, text),
        Value::Array(list) => {
            let element = service.list(name).answered;
            open(xml, name);
            for one in list {
                node(xml, element, one, service);
            }
            close(xml, name);
        }
        Value::Object(_) => {
            open(xml, name);
            members(xml, value, service);
            close(xml, name);
        }
    }
}

pub(super) fn leaf(xml: &mut String, name: &str, text: &str) {
    open(xml, name);
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\t' | '\n' => xml.push(character),
            // A bare carriage return would be read as a line feed; other control characters are no XML at all.
            '\r' => xml.push_str("&#xD;"),
            control if control.is_control() => xml.push('\u{fffd}'),
            plain => xml.push(plain),
        }
    }
    close(xml, name);
}

pub(super) fn open(xml: &mut String, name: &str) {
    // Writing to a String cannot fail.
    let _ = write!(xml, "<{name}>");
}

pub(super) fn close(xml: &mut String, name: &str) {
    let _ = write!(xml, "</{name}>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{ec2, iam, redshift};
    use serde_json::json;

    fn decoded(query: &str, service: &Service) -> Result<Value, AwsError> {
        decode(&fields(query, b"")?, service)
    }

    #[test]
    fn numbered_fields_become_lists_in_their_order() {
        let query = "Action=X&Version=1&Filter.1.Name=a&Filter.1.Value.2=q&Filter.1.Value.10=r&Filter.1.Value.1=p&V=1";
        let tree = decoded(query, &ec2::SERVICE).unwrap();
        assert_eq!(tree, json!({"Filter": [{"Name": "a", "Value": ["p", "q", "r"]}], "V": "1"}));
        let tree = decoded("Tags.member.1.Key=k&Tags.member.1.Value=&Names=", &iam::SERVICE).unwrap();
        assert_eq!(tree, json!({"Tags": [{"Key": "k", "Value": ""}], "Names": ""}));
    }

    #[test]
    fn what_the_protocol_does_not_allow_is_refused() {
        for (query, service) in [
            ("A=1&A=2", &ec2::SERVICE),
            ("A=1&A.B=2", &ec2::SERVICE),
            ("A.B=2&A=1", &ec2::SERVICE),
            ("A..B=1", &ec2::SERVICE),
            ("Subnets.1=s", &iam::SERVICE),
            ("Subnets.member.x=s", &iam::SERVICE),
            ("SubnetIds.member.1=s", &redshift::SERVICE),
            ("Subnets.SubnetIdentifier.1=s", &iam::SERVICE),
        ] {
            assert_eq!(decoded(query, service).unwrap_err().code, "MalformedQueryString", "{query}");
        }
        let member = decoded("Subnets.member.1=s", &ec2::SERVICE).unwrap();
        assert_eq!(member, json!({"Subnets": {"member": ["s"]}}));
    }

    #[test]
    fn a_service_names_the_elements_of_its_lists() {
        let tree =
            decoded("IamRoles.IamRoleArn.1=a&Tags.Tag.1.Key=k&LogExports.member.1=u", &redshift::SERVICE).unwrap();
        assert_eq!(tree, json!({"IamRoles": ["a"], "Tags": [{"Key": "k"}], "LogExports": ["u"]}));
        let query =
            "Filter.NodeConfigurationOptionsFilter.1.Name=n&Filter.NodeConfigurationOptionsFilter.1.Value.item.1=4";
        let tree = decoded(query, &redshift::SERVICE).unwrap();
        assert_eq!(tree, json!({"Filter": [{"Name": "n", "Value": ["4"]}]}));
        let xml = answer(&redshift::SERVICE, "GetX", &json!({"IamRoles": [{"A": 1}], "ClusterNodes": ["n"]}), "r");
        assert!(xml.contains("<IamRoles><ClusterIamRole><A>1</A></ClusterIamRole></IamRoles>"), "{xml}");
        assert!(xml.contains("<ClusterNodes><member>n</member></ClusterNodes>"), "{xml}");
    }

    #[test]
    fn answers_are_written_as_each_protocol_has_them() {
        let reply = json!({"set": [{"a": 1, "gone": null}, {"a": "<&>"}], "none": [], "yes": true});
        let xml = answer(&ec2::SERVICE, "DescribeX", &reply, "r-1");
        assert_eq!(
            xml,
            "<DescribeXResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r-1</requestId><none></none>\
             <set><item><a>1</a></item><item><a>&lt;&amp;&gt;</a></item></set><yes>true</yes></DescribeXResponse>"
        );
        let xml = answer(&iam::SERVICE, "GetX", &json!({"T": ["x"]}), "r-2");
        assert_eq!(
            xml,
            "<GetXResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetXResult><T><member>x</member></T>\
             </GetXResult><ResponseMetadata><RequestId>r-2</RequestId></ResponseMetadata></GetXResponse>"
        );
        let refusal = AwsError::new("Code", "a<b").status(500);
        assert!(error(Some(&iam::SERVICE), Protocol::Query, &refusal, "r").contains("<Type>Receiver</Type>"));
        assert!(error(None, Protocol::Ec2, &refusal, "r").contains("<Errors><Error><Code>Code</Code><Message>a&lt;b<"));
    }
}
